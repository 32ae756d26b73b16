package require json
namespace eval shop {
    variable limit 10
}

# Adds an item.
proc push {queue item} {
    upvar $queue q
    lappend q $item
}

proc size {queue} {
    return [llength $queue]
}
