package com.example.data

import kotlin.collections.List
import com.example.model.User as Person
import com.example.util.*

const val LIMIT = 10

/** Where users come from. */
interface Source<T> {
    fun find(id: Int): T?
}

/**
 * Keeps users.
 */
class Repository(private val source: Source<Person>) : Base(), Source<Person> {
    val cache = mutableMapOf<Int, Person>()

    // Finds one.
    override fun find(id: Int): Person? {
        return cache.getOrPut(id) { source.find(id) }
    }

    companion object {
        fun create(): Repository = Repository(Network())
    }
}

data class Point(val x: Int, val y: Int)

enum class Color { RED, GREEN }

object Registry {
    fun register(name: String) {}
}

fun String.shout(): String = uppercase()

typealias Users = List<Person>
