.class public Lcom/example/Cart;
.super Ljava/lang/Object;

.field private items:I

# Adds an item.
.method public add(I)V
    .registers 3
    iput p1, p0, Lcom/example/Cart;->items:I
    return-void
.end method
