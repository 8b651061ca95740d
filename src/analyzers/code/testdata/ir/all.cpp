#include <vector>
namespace a::b {
using namespace std;
using Alias = std::vector<int>;
template <typename T, int N = 3>
class Box : public Base<T>, private Other {
 public:
  explicit Box(T value) : value_(std::move(value)), n_{N} {}
  virtual ~Box() = default;
  const T& get() const noexcept { return this->value_; }
  bool operator==(const Box& other) const;
  static constexpr int kSize = N;
 private:
  T value_{};
};
auto Box<int>::run(std::string_view text, int n = 2) -> int {
  for (const auto& [key, value] : map) { cout << key << std::endl; }
  if (auto it = m.find(key); it != m.end()) { return co_await f(); } else if (x) throw std::runtime_error("bad");
  try { auto p = std::make_unique<Foo>(1, 2); } catch (const std::exception& e) { delete[] q; } catch (...) { throw; }
  auto f = [&, x = 1](int a) mutable { return a <=> x; };
  int *p = new int[3], v(2); std::vector<std::map<int, Foo*>> w{1, 2};
  static_cast<int>(x); return static_cast<Foo&&>(nullptr) ? R"(raw)" : u8"x";
}
static_assert(sizeof(int) == 4, "m");
enum class Color : int { Red, Green };
extern "C" { void c_api(void); }
}
