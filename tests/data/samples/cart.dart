library shop;

import 'dart:async';
import 'package:flutter/material.dart' as m show Widget, State;
export 'src/item.dart';
part 'cart.g.dart';

const limit = 10;

/// Keeps what is to be bought.
abstract class Cart extends Base with Logging implements Source {
  final List<Item> items = [];
  static int count = 0;

  Cart(this.owner);
  Cart.empty() : this(null);

  /// Adds one item.
  void add(Item item) {
    items.add(item);
    log(item.name);
  }

  int get total => items.length;
}

enum Size { small, large }

mixin Logging {
  void log(String text) => print(text);
}

extension Shout on String {
  String shout() => toUpperCase();
}

typedef Handler = void Function(Item item);

int add(int a, int b) => a + b;
