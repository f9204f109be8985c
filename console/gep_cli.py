"""`sanyan gep`: forms of the departments, accounts, reports."""

import typer

from console.forms_cli import app as forms_app

app = typer.Typer(no_args_is_help=True, help="Gross ecosystem product. 生态产品总值（GEP）核算。")
app.add_typer(forms_app)
