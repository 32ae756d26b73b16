use "collections"

interface Source
  fun fetch(): String

class Item
  let name: String

  new create(name': String) =>
    name = name'

actor Main
  new create(env: Env) =>
    env.out.print("hi")

  fun twice(x: U32): U32 =>
    x * 2
