using System;
using System.Collections.Generic;
using Json = System.Text.Json.JsonSerializer;
using static System.Math;

namespace Shop.Orders;

/// <summary>One order.</summary>
public class Order : Entity, IComparable<Order>
{
    public const int Limit = 10;
    private readonly List<Line> _lines = new();

    public Order(int id) : base(id) { }

    public decimal Total { get; private set; }

    // Adds a line.
    public async Task AddAsync(Line line)
    {
        _lines.Add(line);
        await SaveAsync(line);
    }

    public event EventHandler Changed;
}

public interface IStore
{
    Order Find(int id);
}

public enum Status { Open, Closed }

public record Line(string Name, decimal Price);

public struct Money
{
    public decimal Amount;
}

public delegate void Handler(Order order);
