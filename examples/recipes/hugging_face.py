from datasets import load_dataset
from pyarrow import Table

from harmony_spec.linting import check_batch, findings_schema, options_of


def check(rows: Table) -> Table:
    found = [check_batch(batch, options_of()) for batch in rows.to_batches()]
    return Table.from_batches(found, findings_schema())


data = load_dataset("parquet", data_files="rows.parquet", split="train").with_format("arrow")
found = data.map(check, batched=True, remove_columns=data.column_names)
print(len(found), "rows with findings")
