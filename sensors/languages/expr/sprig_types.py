"""What the functions of Sprig 3.3.0 take and give, where it is not just anything: Go calls a function only with its very types.

Letters: `s` text, `i` int, `f` float, `b` truth, `t` time, `m` map, `a` anything; after `*` stands what may follow any number
of times.
"""

from collections.abc import Mapping

_BY_TYPES = {
    "": "hello now uuidv4",
    "a": "add1 add1f ago ceil compact deepCopy duration durationRound empty first float64 floor htmlDate initial int int64 "
    "kindOf last mustCompact mustDeepCopy mustFirst mustInitial mustLast mustRest mustReverse mustToJson mustToPrettyJson "
    "mustToRawJson mustUniq rest reverse sortAlpha toDecimal toJson toPrettyJson toRawJson toString toStrings typeOf uniq",
    "aa": "append deepEqual div has mod mustAppend mustHas mustPrepend mustPush prepend push sub",
    "aab": "ternary",
    "a*a": "biggest default divf max maxf min minf mul mulf mustSlice mustWithout slice subf without",
    "ai*f": "round",
    "as": "htmlDateInZone",
    "ia": "chunk mustChunk",
    "i": "randAlpha randAlphaNum randAscii randBytes randNumeric until",
    "ii": "randInt",
    "iii": "untilStep",
    "iis": "abbrevboth substr",
    "is": "abbrev indent nindent repeat trunc wrap",
    "iss": "wrapWith",
    "*i": "seq",
    "m": "urlJoin values",
    "ms": "get hasKey unset",
    "msa": "set",
    "m*m": "merge mergeOverwrite mustMerge mustMergeOverwrite",
    "m*s": "omit pick",
    "*m": "keys",
    "s": "adler32sum atoi b32dec b32enc b64dec b64enc base camelcase clean dir ext fail fromJson initials isAbs kebabcase lower "
    "mustFromJson nospace osBase osClean osDir osExt osIsAbs regexQuoteMeta semver sha1sum sha256sum sha512sum shuffle snakecase "
    "swapcase title trim untitle upper urlParse",
    "sa": "date join kindIs typeIs typeIsLike",
    "sas": "dateInZone date_in_zone",
    "sis": "splitn",
    "ss": "contains hasPrefix hasSuffix mustRegexFind mustRegexMatch mustToDate regexFind regexMatch semverCompare split "
    "splitList toDate trimAll trimPrefix trimSuffix trimall",
    "ssi": "mustRegexFindAll mustRegexSplit plural regexFindAll regexSplit",
    "sss": "mustRegexReplaceAll mustRegexReplaceAllLiteral regexReplaceAll regexReplaceAllLiteral replace",
    "st": "dateModify date_modify mustDateModify must_date_modify",
    "s*m": "pluck",
    "t": "unixEpoch",
}
TAKES: Mapping[str, str] = {name: letters for letters, names in _BY_TYPES.items() for name in names.split()}
"""By name; a function that is not here takes any number of anything."""

_BY_RESULT = {
    "I": "add add1 biggest div int64 max min mod mul sub toDecimal",
    "l": "keys mustRegexFindAll mustRegexSplit regexFindAll regexSplit sortAlpha splitList toStrings",
    "n": "until untilStep",
    "M": "split splitn",
}
GIVES: Mapping[str, str] = {name: letter for letter, names in _BY_RESULT.items() for name in names.split()}
"""`I` an int64, `l` a list of texts, `n` a list of ints, `M` a map of texts."""

MUTATING = frozenset(("set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"))
"""Functions that change what they are given; here they get a copy."""
