package shop;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

class Compare {
  boolean names(String name, Integer a, Integer b, int c, String other) {
    // ruleid: java.string-compared-by-identity
    if (name == "root") return true;
    // ok: java.string-compared-by-identity
    if ("root".equals(name)) return true;
    // ok: java.string-compared-by-identity
    if (a != ("root".equals(name) ? 0 : 1)) return true;
    // ok: java.string-compared-by-identity
    if (name == null) return true;
    // ruleid: java.boxed-compared-by-identity
    if (a == b) return true;
    // ok: java.boxed-compared-by-identity
    if (a.equals(b)) return true;
    // ok: java.boxed-compared-by-identity
    if (a == c) return true;
    // ruleid: java.comparison-with-itself
    if (name.equals(name)) return true;
    // ok: java.comparison-with-itself
    return name.equals(other);
  }
}

// ruleid: java.equals-without-hash-code
class Point {
  int x;

  @Override
  public boolean equals(Object other) {
    return other instanceof Point && ((Point) other).x == x;
  }
}

// ok: java.equals-without-hash-code
class Pair {
  int x;

  @Override
  public boolean equals(Object other) {
    return other instanceof Pair && ((Pair) other).x == x;
  }

  @Override
  public int hashCode() {
    return x;
  }
}

// ruleid: java.equals-other-parameter
class Size {
  int x;

  public boolean equals(Size other) {
    return other.x == x;
  }
}

// ok: java.equals-other-parameter
class Length {
  int x;

  public boolean equals(Length other) {
    return other.x == x;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Length && equals((Length) other);
  }

  @Override
  public int hashCode() {
    return x;
  }
}

class Flow {
  boolean close(Handle handle) {
    // ruleid: java.return-in-finally
    try {
      handle.flush();
    } finally {
      handle.close();
      return true;
    }
  }

  void sleep() {
    try {
      Thread.sleep(100);
      // ruleid: java.interrupt-swallowed
    } catch (InterruptedException e) {
    }
    try {
      Thread.sleep(100);
      // ok: java.interrupt-swallowed
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    // ok: java.return-in-finally
    try {
      Thread.sleep(100);
    } finally {
      done();
    }
  }

  void start(Runnable work) {
    // ruleid: java.thread-run-instead-of-start
    new Thread(work).start();
    // ok: java.thread-run-instead-of-start
    new Thread(work).start();
  }

  void clean(List<User> users, List<User> old) {
    for (User user : users) {
      if (user.old) {
        // ruleid: java.list-changed-while-iterated
        users.remove(user);
      }
    }
    for (String user : copied) {
      // ok: java.list-changed-while-iterated
      if (user.isEmpty()) copied.remove(user);
    }
    for (User user : users) {
      if (user.old) {
        // ok: java.list-changed-while-iterated
        old.add(user);
      }
    }
    for (User user : users) {
      if (user.old) {
        // ok: java.list-changed-while-iterated
        users.remove(user);
        break;
      }
    }
  }
}

class Slow {
  String join(List<String> lines, Map<String, Integer> ages, UserRepository repository) {
    String out = "";
    int count = 0;
    for (String line : lines) {
      // ruleid: java.string-concatenation-in-loop
      out += line;
      // ok: java.string-concatenation-in-loop
      count += 1;
      // ruleid: java.pattern-compile-in-loop
      Pattern word = Pattern.compile("\\w+");
      // ok: java.pattern-compile-in-loop
      Pattern own = Pattern.compile(line);
      // ruleid: java.n-plus-one-query
      User user = repository.findById(line);
    }
    // ok: java.n-plus-one-query
    User first = repository.findById("1");
    for (String name : ages.keySet()) {
      // ruleid: java.map-key-set-lookup
      count += ages.get(name);
    }
    for (Map.Entry<String, Integer> entry : ages.entrySet()) {
      // ok: java.map-key-set-lookup
      count += entry.getValue();
    }
    while (!lines.isEmpty()) {
      // ruleid: java.list-front-removal-in-loop
      lines.remove(0);
    }
    // ok: java.list-front-removal-in-loop
    lines.remove(0);
    // ok: java.pattern-compile-in-loop
    return Pattern.compile("\\s+").matcher(out).replaceAll(" ");
  }
}
