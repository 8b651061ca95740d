#include <memory>
#include <sstream>
#include <string>
#include <vector>

void arrays(int n) {
  // ruleid: cpp.delete-of-array
  int *a = new int[n];
  a[0] = 1;
  delete a;
  // ok: cpp.delete-of-array
  int *b = new int[n];
  delete[] b;
}

void strings(std::ostringstream &out, const std::string &a, const std::string &b) {
  // ruleid: cpp.pointer-into-temporary
  const char *p = out.str().c_str();
  // ruleid: cpp.pointer-into-temporary
  const char *q = (a + b).c_str();
  // ok: cpp.pointer-into-temporary
  const char *r = a.c_str();
  // ok: cpp.pointer-into-temporary
  puts(out.str().c_str());
  // ruleid: cpp.view-of-temporary
  std::string_view v = a + b;
  // ok: cpp.view-of-temporary
  std::string_view w = a;
  // ok: cpp.view-of-temporary
  std::string s = a + b;
}

void walk(std::vector<int> &values, std::vector<int> &other) {
  for (auto &x : values) {
    // ruleid: cpp.container-changed-in-range-for
    if (x == 3) values.push_back(4);
    // ok: cpp.container-changed-in-range-for
    other.push_back(x);
  }
  for (const auto &x : values) {
    if (x == 3) {
      // ok: cpp.container-changed-in-range-for
      values.clear();
      break;
    }
  }
}

void owners(Thing *p, Thing *q) {
  // ruleid: cpp.two-owners-of-one-pointer
  std::shared_ptr<Thing> a(p);
  std::shared_ptr<Thing> b(p);
  // ok: cpp.two-owners-of-one-pointer
  std::shared_ptr<Thing> c(q);
  std::shared_ptr<Thing> d(c);
}

struct Plain {
  Plain() {
    // ruleid: cpp.memset-this
    memset(this, 0, sizeof(*this));
    // ok: cpp.memset-this
    memset(buffer, 0, sizeof(buffer));
  }
  char buffer[10];
};

void casts(Base *x) {
  // ruleid: cpp.dynamic-cast-unchecked
  dynamic_cast<Derived *>(x)->run();
  // ok: cpp.dynamic-cast-unchecked
  if (auto *d = dynamic_cast<Derived *>(x)) d->run();
}
