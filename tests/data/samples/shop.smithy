$version: "2"

namespace com.example.shop

// One item.
structure Item {
    name: String
}

service Store {
    version: "1"
    operations: [Find]
}

operation Find {
    input: Item
}

string Name
