// A row of six columns, identical in every process.

export type Item = {
  readonly id: number;
  readonly name: string;
  readonly category: string;
  readonly price: number;
  readonly quantity: number;
  readonly updated: string;
};

export const itemColumns = ["id", "name", "category", "price", "quantity", "updated"] as const;

export const itemsSchema = `CREATE TABLE IF NOT EXISTS items (
  id INTEGER PRIMARY KEY, name TEXT, category TEXT, price REAL, quantity INTEGER, updated TEXT
)`;

export function item(id: number): Item {
  return {
    id,
    name: `item number ${id}`,
    category: `category ${id % 97}`,
    price: (id % 10_000) / 100,
    quantity: id % 1000,
    updated: `2026-01-${10 + (id % 20)}T12:00:00.000Z`,
  };
}

export function* items(from: number, count: number): Generator<Item> {
  for (let id = from; id < from + count; id++) yield item(id);
}
