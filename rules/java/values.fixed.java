package shop;

import java.io.FileReader;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.text.SimpleDateFormat;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.Lock;

class Values implements Comparable<Values> {
  // ruleid: java.shared-date-format
  private static final SimpleDateFormat FORMAT = new SimpleDateFormat("yyyy-MM-dd");
  // ok: java.shared-date-format
  private final SimpleDateFormat own = new SimpleDateFormat("yyyy-MM-dd");

  int weight;
  int[] parts;

  int bucket(String key, int n) {
    // ruleid: java.absolute-hash-code
    int wrong = Math.abs(key.hashCode()) % n;
    // ok: java.absolute-hash-code
    return Math.floorMod(key.hashCode(), n) + Math.abs(wrong);
  }

  @Override
  public int compareTo(Values other) {
    // ruleid: java.compared-by-subtraction
    return weight - other.weight;
  }

  static class ByWeight implements Comparator<Values> {
    @Override
    public int compare(Values a, Values b) {
      // ok: java.compared-by-subtraction
      return Integer.compare(a.weight, b.weight);
    }
  }

  static class ByLength implements Comparator<String> {
    @Override
    public int compare(String a, String b) {
      // ok: java.compared-by-subtraction
      return a.length() - b.length();
    }
  }

  static class ByPlace implements Comparator<Place> {
    @Override
    public int compare(Place a, Place b) {
      // ok: java.compared-by-subtraction
      return a.getLine() == b.getLine() ? 0 : a.getLine() - b.getLine();
    }
  }

  static class ByStart implements Comparator<Place> {
    @Override
    public int compare(Place a, Place b) {
      // ok: java.compared-by-subtraction
      return a.startOffset - b.startOffset;
    }
  }

  static int compare(char a, char b) {
    // ok: java.compared-by-subtraction
    return a - b;
  }

  long area(int width, int height, long scale) {
    // ruleid: java.int-product-as-long
    long area = width * height;
    // ok: java.int-product-as-long
    long minute = 60 * 1000;
    // ok: java.int-product-as-long
    long scaled = scale * height;
    return area + scaled;
  }

  BigDecimal[] prices(double value) {
    return new BigDecimal[] {
      // ruleid: java.decimal-of-double
      new BigDecimal("0.1"),
      // ok: java.decimal-of-double
      new BigDecimal("0.1"),
      // ok: java.decimal-of-double
      BigDecimal.valueOf(value),
      // ok: java.decimal-of-double
      new BigDecimal(2.0),
    };
  }

  void locked(Lock lock) {
    // ruleid: java.lock-without-finally
    lock.lock();
    work();
    lock.unlock();
  }

  Closeable scope(Lock lock) {
    // ok: java.lock-without-finally
    lock.lock();
    work();
    return new Closeable() {
      public void close() {
        lock.unlock();
      }
    };
  }

  Closeable lambda(Lock lock) {
    // ok: java.lock-without-finally
    lock.lock();
    work();
    return () -> {
      lock.unlock();
    };
  }

  void unlocked(Lock lock) {
    // ok: java.lock-without-finally
    lock.lock();
    try {
      work();
    } finally {
      lock.unlock();
    }
  }

  boolean same(int[] a, int[] b, String s, String t) {
    // ruleid: java.array-compared-by-identity
    boolean wrong = a.equals(b);
    // ok: java.array-compared-by-identity
    return Arrays.equals(a, b) || s.equals(t);
  }

  void remove(List<String> names) {
    for (int i = 0; i < names.size(); i++) {
      // ruleid: java.removal-skips-next
      if (names.get(i).isEmpty()) names.remove(i);
    }
    for (int i = 0; i < names.size(); i++) {
      if (names.get(i).isEmpty()) {
        // ok: java.removal-skips-next
        names.remove(i);
        i--;
      }
    }
    for (int i = names.size() - 1; i >= 0; i--) {
      // ok: java.removal-skips-next
      if (names.get(i).isEmpty()) names.remove(i);
    }
    for (int i = 0; i < names.size(); i++) {
      if (names.get(i).isEmpty()) {
        // ok: java.removal-skips-next
        names.remove(i);
        break;
      }
    }
  }

  void read(String path, String text) throws Exception {
    // ruleid: java.platform-charset
    FileReader in = new FileReader(path);
    // ok: java.platform-charset
    FileReader utf8 = new FileReader(path, StandardCharsets.UTF_8);
    // ruleid: java.platform-charset
    byte[] bytes = text.getBytes();
    // ok: java.platform-charset
    byte[] named = text.getBytes(StandardCharsets.UTF_8);
  }
}
