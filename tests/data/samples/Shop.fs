module Shop

open System

type Item = { Name: string; Price: decimal }

type Status =
    | Open
    | Closed

let limit = 10

/// Adds tax.
let withTax rate item =
    item.Price * (1m + rate)

type Cart(owner: string) =
    member this.Owner = owner
    member this.Add(item: Item) = printfn "%s" item.Name
