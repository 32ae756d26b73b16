#include <vector>
#include "geometry/point.hpp"

using std::vector;
namespace fs = std::filesystem;

namespace geometry {

/// A line between two points.
template <typename T>
class Line : public Shape, private Base<T> {
public:
    explicit Line(Point from, Point to);
    ~Line() = default;
    virtual double length() const override { return distance(from_, to_); }
    bool operator==(const Line &other) const;

private:
    Point from_, to_;
    static int count;
};

enum class Side { Left, Right };

struct Circle {
    double radius = 1.0;
};

using Lines = std::vector<Line<double>>;

template <typename T>
T scaled(T value, double by) {
    return value * by;
}

constexpr int kLimit = 10;

}  // namespace geometry

geometry::Line<double>::Line(Point from, Point to) : from_(from), to_(to) {}

double geometry::area(const Circle &circle) {
    auto twice = [](double x) { return 2 * x; };
    return twice(circle.radius);
}

concept_check<int> check;
