import ray
from pyarrow import Table

from harmony_spec.linting import check_batch, findings_schema, options_of


def check(rows: Table) -> Table:
    found = [check_batch(batch, options_of()) for batch in rows.to_batches()]
    return Table.from_batches(found, findings_schema())


found = ray.data.read_parquet("rows.parquet").map_batches(check, batch_format="pyarrow")
print(found.count(), "rows with findings")
