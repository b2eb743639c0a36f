"""The expression language of event sources: `compile_expr("body.ref == 'refs/heads/main'").holds(environment)`.

Semantics: expr 1.15.5 as Argo Events runs it, without declared types: checked before it runs, oddities included. A text becomes
words (`words`), a tree (`parser`, `tree`), a checked tree (`checker`, `types`), a tree without what is known already
(`folding`), and functions (`compiler`, `loops`) of one run (`run`). What each function of the language takes (`signatures`) and
does is a table (`builtins`). Values are as Go has them (`values`): whole numbers of 64 bits apart from floats, texts of bytes.
"""

from sensors.languages.expr.program import Program, compile_expr
from sensors.languages.expr.words import ExprError

__all__ = ["ExprError", "Program", "compile_expr"]
