//! Shapes and their areas.
use std::collections::{HashMap, HashSet as Set};
use crate::geometry::Point;
use super::*;
pub use self::inner::Thing as Other;
extern crate serde;
mod helpers;

pub const LIMIT: usize = 10;
static COUNT: u32 = 0;

/// Something with an area.
pub trait Shape: Debug {
    const SIDES: u32;
    fn area(&self) -> f64;
    fn name(&self) -> String { String::from("shape") }
}

/// A circle.
#[derive(Debug, Clone)]
pub struct Circle {
    pub center: Point,
    radius: f64,
}

pub enum Kind { Round, Square(f64) }

pub type Shapes = Vec<Box<dyn Shape>>;

impl Circle {
    /// Makes one.
    pub fn new(center: Point, radius: f64) -> Self {
        Self { center, radius }
    }
}

impl Shape for Circle {
    const SIDES: u32 = 0;
    fn area(&self) -> f64 { square(self.radius) * PI }
}

fn square(x: f64) -> f64 {
    x * x
}

mod inner {
    pub(crate) async fn thing() {}
}

macro_rules! shapes {
    ($($x:expr),*) => { vec![$($x),*] };
}

union Word { a: u32, b: f32 }
