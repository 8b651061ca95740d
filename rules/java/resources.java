import java.nio.file.Files;
import java.util.*;
import java.util.stream.*;
import org.slf4j.Logger;

class Resources {
  private static Parser shared;
  private static volatile Parser safe;
  private Integer counter = 0;
  private final Object lock = new Object();

  Stream<Path> names(Path folder) throws IOException {
    // ok: java.path-stream-left-open
    Stream<Path> all = Files.list(folder);
    return all.filter(Files::isRegularFile);
  }

  Stream<Path> opened(Path folder) throws IOException {
    // ok: java.path-stream-left-open
    return Files.list(folder);
  }

  void files(Path folder) throws IOException {
    // ruleid: java.path-stream-left-open
    Files.list(folder).forEach(this::use);
    // ruleid: java.path-stream-left-open
    List<String> lines = Files.lines(folder).collect(Collectors.toList());
    // ok: java.path-stream-left-open
    try (Stream<Path> all = Files.walk(folder)) {
      all.forEach(this::use);
    }
    // ok: java.path-stream-left-open
    try (var all = Files.walk(folder)) {
      all.forEach(this::use);
    }
    // ok: java.path-stream-left-open
    List<String> texts = Files.readAllLines(folder);
  }

  void query(DataSource source) throws SQLException {
    // ruleid: java.connection-left-open
    Connection connection = source.getConnection();
    run(connection.prepareStatement("SELECT 1"));
    connection.close();
  }

  void queryWell(DataSource source) throws SQLException {
    // ok: java.connection-left-open
    try (Connection connection = source.getConnection();
        PreparedStatement statement = connection.prepareStatement("SELECT 1")) {
      run(statement);
    }
    // ok: java.connection-left-open
    Connection other = source.getConnection();
    try {
      run(other.prepareStatement("SELECT 1"));
    } finally {
      other.close();
    }
  }

  Connection open(DataSource source) throws SQLException {
    // ok: java.connection-left-open
    Connection connection = source.getConnection();
    connection.setAutoCommit(false);
    return connection;
  }

  void copy(String name) throws IOException {
    // ruleid: java.stream-leaks-on-exception
    FileInputStream in = new FileInputStream(name);
    use(in.read());
    in.close();
  }

  void copyWell(String name) throws IOException {
    // ok: java.stream-leaks-on-exception
    try (FileInputStream in = new FileInputStream(name)) {
      use(in.read());
    }
    // ok: java.stream-leaks-on-exception
    FileInputStream other = new FileInputStream(name);
    try {
      use(other.read());
    } finally {
      other.close();
    }
  }

  Order find(OrderRepository orderRepository, long id) {
    // ruleid: java.optional-get-of-lookup
    Order order = orderRepository.findById(id).get();
    // ok: java.optional-get-of-lookup
    return orderRepository.findById(id).orElseThrow(() -> new OrderMissing(id));
  }

  synchronized void take() throws InterruptedException {
    if (queue.isEmpty()) {
      // ruleid: java.wait-without-loop
      wait();
    }
    while (queue.isEmpty()) {
      // ok: java.wait-without-loop
      wait();
    }
    if (blocking) {
      do {
        // ok: java.wait-without-loop
        wait();
      } while (queue.isEmpty());
    }
  }

  Parser parser() {
    // ruleid: java.double-checked-without-volatile
    if (shared == null) {
      synchronized (Resources.class) {
        if (shared == null) {
          shared = new Parser();
        }
      }
    }
    return shared;
  }

  Parser safeParser() {
    // ok: java.double-checked-without-volatile
    if (safe == null) {
      synchronized (Resources.class) {
        if (safe == null) {
          safe = new Parser();
        }
      }
    }
    return safe;
  }

  void count(String name) {
    // ruleid: java.lock-on-shared-value
    synchronized (counter) {
      counter++;
    }
    // ruleid: java.lock-on-shared-value
    synchronized ("lock") {
      use(name);
    }
    // ok: java.lock-on-shared-value
    synchronized (lock) {
      use(name);
    }
  }

  List<String> parallel(List<Order> orders) {
    List<String> names = new ArrayList<>();
    List<String> safeNames = Collections.synchronizedList(new ArrayList<>());
    // ruleid: java.list-filled-in-parallel
    orders.parallelStream().filter(Order::isOpen).forEach(x -> names.add(x.name()));
    // ok: java.list-filled-in-parallel
    orders.parallelStream().forEach(x -> safeNames.add(x.name()));
    // ok: java.list-filled-in-parallel
    orders.stream().forEach(x -> names.add(x.name()));
    return names;
  }

  void dates() {
    // ruleid: java.week-year-in-date
    DateTimeFormatter.ofPattern("YYYY-MM-dd");
    // ok: java.week-year-in-date
    DateTimeFormatter.ofPattern("yyyy-MM-dd");
    // ok: java.week-year-in-date
    DateTimeFormatter.ofPattern("YYYY-'W'ww");
    // ruleid: java.minutes-for-months
    new SimpleDateFormat("yyyy-mm-dd");
    // ruleid: java.minutes-for-months
    new SimpleDateFormat("yyyy-MM-dd HH:MM");
    // ok: java.minutes-for-months
    new SimpleDateFormat("yyyy-MM-dd HH:mm:ss");
    // ok: java.minutes-for-months
    new SimpleDateFormat("yyyyMMddHHmmss");
    // ruleid: java.half-day-missing
    new SimpleDateFormat("yyyy-MM-dd hh:mm:ss");
    // ok: java.half-day-missing
    new SimpleDateFormat("yyyy-MM-dd hh:mm a");
    // ok: java.half-day-missing
    new SimpleDateFormat("yyyy-MM-dd HH:mm:ss");
  }

  double share(int part, int whole) {
    // ruleid: java.int-quotient-as-double
    double share = part / whole;
    // ok: java.int-quotient-as-double
    double right = (double) part / whole;
    // ruleid: java.int-quotient-as-double
    return share + right + Math.ceil(part / whole);
  }

  // ruleid: java.proxy-annotation-without-effect
  @Transactional
  private void store(Order order) {
    orders.add(order);
  }

  // ok: java.proxy-annotation-without-effect
  @Transactional
  public void storeWell(Order order) {
    orders.add(order);
  }

  void log(Logger log, String name) {
    // ruleid: java.log-placeholder-unknown
    log.info("hello %s", name);
    // ok: java.log-placeholder-unknown
    log.info("hello {}", name);
    // ok: java.log-placeholder-unknown
    log.info("hello {}, 100 %s", name);
  }
}
