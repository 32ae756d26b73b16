const std = @import("std");

pub const limit = 10;

/// One item.
pub const Item = struct {
    name: []const u8,

    pub fn init(name: []const u8) Item {
        return .{ .name = name };
    }
};

const Color = enum { red, green };

/// Adds an item.
pub fn push(queue: *std.ArrayList(Item), item: Item) !void {
    try queue.append(item);
}

test "push" {
    try std.testing.expect(true);
}
