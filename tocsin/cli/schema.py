"""`tocsin schema`."""

import click

from tocsin.cli.output import write_json
from tocsin.cli.settings import common


@click.command("schema")
@common
@click.argument("kind", required=False)
@click.option("--api-version", metavar="VERSION", help="Only this dialect: argoproj.io/v1alpha1 or tocsin.dev/v1.")
def command(kind: str | None, api_version: str | None) -> None:
    """Print the JSON Schema of a manifest kind, for editors; of all kinds together without KIND."""
    from manifests.schema import json_schema
    from tocsin.declared import kinds

    try:
        schema = json_schema(kind, kinds(), api_version=api_version)
    except ValueError as exc:
        raise click.UsageError(str(exc)) from None
    write_json(schema, indent=True)
