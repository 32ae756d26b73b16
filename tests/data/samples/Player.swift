import Foundation
import struct SwiftUI.Color

let limit = 10

/// Plays songs.
public class Player: Base, Playable {
    var songs: [Song] = []
    private let queue: Queue

    init(queue: Queue) {
        self.queue = queue
    }

    /// Starts to play.
    @discardableResult
    func play(_ song: Song) -> Bool {
        queue.add(song)
        return Timer.start()
    }

    deinit {}
}

protocol Playable {
    var isPlaying: Bool { get }
    func play(_ song: Song) -> Bool
}

struct Song {
    let title: String
}

enum State {
    case playing, paused
}

extension Player {
    func stop() {}
}

typealias Songs = [Song]

func shuffle(_ songs: Songs) -> Songs {
    return songs.shuffled()
}
