use core::integer;

const LIMIT: u8 = 10;

struct Point {
    x: u8,
    y: u8,
}

// Adds two numbers.
fn add(a: u8, b: u8) -> u8 {
    a + b
}

trait Shape {
    fn area(self: Point) -> u8;
}
