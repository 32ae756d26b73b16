module shop.stack;

import std.stdio : writeln;

enum Color { red, green }

// Last in, first out.
class Stack : Base
{
    private int[] items;

    void push(int item)
    {
        items ~= item;
    }
}

struct Point { int x; int y; }

int twice(int x)
{
    return x * 2;
}
