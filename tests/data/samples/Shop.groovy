package shop

import groovy.json.JsonSlurper

// Keeps items.
class Shop {
    String name

    def add(Item item) {
        items << item
    }

    int size() {
        return items.size()
    }
}

def helper(x) {
    x * 2
}
