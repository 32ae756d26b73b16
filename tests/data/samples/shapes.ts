import type { Point } from "./point";
import React, { useState as state } from "react";

export interface Shape extends Drawable {
  area(): number;
  readonly name: string;
}

/** All colours there are. */
export enum Color {
  Red,
  Green,
}

export type Named<T> = { name: string } & T;

export abstract class Base implements Shape {
  private points: Point[] = [];
  constructor(public readonly name: string) {}
  abstract area(): number;
  protected static scale(by: number): number {
    return by * factor();
  }
}

namespace Geometry {
  export function distance(a: Point, b: Point): number {
    return Math.hypot(a.x - b.x, a.y - b.y);
  }
}

declare function external(name: string): void;

export const origin: Point = { x: 0, y: 0 };
const twice = async (n: number): Promise<number> => n * 2;
