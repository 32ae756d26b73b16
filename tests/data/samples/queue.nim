import std/strutils

type
  Item = object
    name: string
  Color = enum
    red, green

const limit = 10
var count = 0

# Adds an item.
proc push(queue: var seq[Item], item: Item) =
  queue.add(item)

func twice(x: int): int = x * 2

template unless(condition, body) =
  if not condition: body
