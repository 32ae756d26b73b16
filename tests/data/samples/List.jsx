import React from "react";

// Shows one entry per item.
export function List({ items }) {
  return (
    <ul>
      {items.map((item) => (
        <Entry key={item.id} item={item} />
      ))}
    </ul>
  );
}

class Entry extends React.Component {
  render() {
    return <li>{this.props.item.name}</li>;
  }
}
