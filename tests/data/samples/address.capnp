@0xdbb9ad1f14bf0b36;

struct Person {
  name @0 :Text;
  age @1 :UInt8;
}

interface Directory {
  find @0 (name :Text) -> (person :Person);
}

enum Color {
  red @0;
  green @1;
}
