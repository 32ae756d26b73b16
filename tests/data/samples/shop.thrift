namespace py shop

include "base.thrift"

const i32 LIMIT = 10

// One item.
struct Item {
  1: string name,
  2: i32 price
}

enum Color {
  RED = 1
}

exception NotFound {
  1: string message
}

service Store extends base.Service {
  Item find(1: string name) throws (1: NotFound error)
}
