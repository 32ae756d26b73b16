import gleam/list

pub type Item {
  Item(name: String, price: Int)
}

pub const limit = 10

/// Adds an item.
pub fn push(queue: List(Item), item: Item) -> List(Item) {
  list.append(queue, [item])
}

fn helper(x) {
  x
}
