package com.example.parse

import scala.collection.mutable
import scala.util.{Try, Success => Ok}
import java.io._

/** Reads text. */
trait Reader[T] {
  def read(text: String): T
}

// Parses numbers.
class NumberReader(base: Int) extends Reader[Int] with Logging {
  val limit = 10
  var count: Int = 0

  override def read(text: String): Int = {
    log(text)
    Integer.parseInt(text, base)
  }
}

case class Token(kind: String, text: String)

object Parser {
  def apply(): Parser = new Parser
  private def helper(x: Int) = x
}

sealed abstract class Node

enum Color {
  case Red, Green
}

type Tokens = List[Token]

def main(args: Array[String]): Unit = println("hi")
