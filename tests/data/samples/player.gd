class_name Player
extends Node2D

signal died
const LIMIT = 10
var speed := 2.0

enum State { IDLE, MOVING }

# Moves about.
func move(by: Vector2) -> void:
    position += by * speed

class Item:
    var name = ""
