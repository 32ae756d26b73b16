import QtQuick 2.15

Rectangle {
    id: button
    property string label: "Save"
    signal clicked()

    function press(times) {
        return times * 2
    }

    Text {
        id: caption
        text: button.label
    }
}
