import java.util.*;
import java.util.stream.*;

class Performance {
  static final ObjectMapper MAPPER = new ObjectMapper();

  void loops(List<String> list, Connection connection, OrderRepository orderRepository, EntityManager em) {
    for (String x : list) {
      // ruleid: java.costly-object-made-in-loop
      ObjectMapper mapper = new ObjectMapper();
      // ruleid: java.costly-object-made-in-loop
      use(new SimpleDateFormat("yyyy").format(x));
      // ruleid: java.statement-prepared-in-loop
      PreparedStatement statement = connection.prepareStatement("INSERT INTO t VALUES (?)");
      // ok: java.statement-prepared-in-loop
      connection.prepareStatement("INSERT INTO " + x);
      // ruleid: java.saved-one-by-one
      orderRepository.save(new Order(x));
      // ok: java.saved-one-by-one
      canvas.save(x);
      // ruleid: java.flush-in-loop
      em.flush();
      // ok: java.flush-in-loop
      out.flush();
    }
    // ok: java.statement-prepared-in-loop
    connection.prepareStatement("INSERT INTO t VALUES (?)");
    // ok: java.saved-one-by-one
    orderRepository.save(new Order("x"));
    // ok: java.flush-in-loop
    em.flush();
    // ok: java.costly-object-made-in-loop
    for (String x : texts(HttpClient.newHttpClient())) use(x);
    for (int i = 0; i < 100000; i++) {
      if (i % 100 == 0) {
        // ok: java.flush-in-loop
        em.flush();
      }
    }
    list.forEach(
        x -> {
          // ok: java.costly-object-made-in-loop
          use(x);
        });
  }

  String write(Object value) {
    // ruleid: java.mapper-made-per-call
    String text = new ObjectMapper().writeValueAsString(value);
    // ok: java.mapper-made-per-call
    return MAPPER.writeValueAsString(value);
  }

  Answer fetch(List<String> ids, RestTemplate rest) {
    for (String id : ids) {
      // ruleid: java.request-in-loop
      use(rest.getForObject("http://x/" + id, Answer.class));
    }
    for (String host : ids) {
      // ok: java.request-in-loop
      Answer answer = rest.getForObject(host, Answer.class);
      return answer;
    }
    // ok: java.request-in-loop
    return rest.getForObject("http://x/all", Answer.class);
  }

  long count(OrderRepository orderRepository, List<Order> orders) {
    // ruleid: java.rows-filtered-in-memory
    List<Order> open = orderRepository.findAll().stream().filter(Order::isOpen).collect(Collectors.toList());
    // ruleid: java.rows-filtered-in-memory
    int n = orderRepository.findAll().size();
    // ok: java.rows-filtered-in-memory
    orders.stream().filter(Order::isOpen).count();
    // ok: java.rows-filtered-in-memory
    return orderRepository.count();
  }

  @GetMapping("/orders")
  public List<Order> all() {
    // ruleid: java.unbounded-query-to-client
    return orderRepository.findAll();
  }

  @GetMapping("/pages")
  public Page<Order> page(Pageable pageable) {
    // ok: java.unbounded-query-to-client
    return orderRepository.findAll(pageable);
  }

  List<Order> inner() {
    // ok: java.unbounded-query-to-client
    return orderRepository.findAll();
  }

  void search(List<String> names, List<Order> orders) {
    List<String> known = orders.stream().map(Order::getName).collect(Collectors.toList());
    Set<String> set = new HashSet<>(known);
    List<String> few = List.of("a", "b");
    for (String name : names) {
      // ruleid: java.list-searched-in-loop
      if (known.contains(name)) use(name);
      // ok: java.list-searched-in-loop
      if (set.contains(name)) use(name);
      // ok: java.list-searched-in-loop
      if (few.contains(name)) use(name);
    }
    List<String> reversed = new ArrayList<>();
    Deque<String> queue = new ArrayDeque<>();
    for (String name : names) {
      // ruleid: java.front-insertion-in-loop
      reversed.add(0, name);
      // ok: java.front-insertion-in-loop
      queue.addFirst(name);
      // ok: java.front-insertion-in-loop
      reversed.add(name);
    }
    // ok: java.front-insertion-in-loop
    reversed.add(0, "first");
    List<String> linked = new LinkedList<>();
    for (int i = 0; i < linked.size(); i++) {
      // ruleid: java.linked-list-by-index
      use(linked.get(i));
      // ok: java.linked-list-by-index
      use(reversed.get(i));
      // ok: java.linked-list-by-index
      use(linked.get(0));
    }
    Long sum = 0L;
    long plain = 0;
    for (Order order : orders) {
      // ruleid: java.boxed-sum
      sum += order.total();
      // ok: java.boxed-sum
      plain += order.total();
    }
  }

  synchronized void pause() throws Exception {
    // ruleid: java.sleep-with-lock
    Thread.sleep(100);
  }

  void pauseOutside(Object lock) throws Exception {
    synchronized (lock) {
      // ruleid: java.sleep-with-lock
      Thread.sleep(100);
    }
    synchronized (lock) {
      // ok: java.sleep-with-lock
      new Thread(() -> { Thread.sleep(100); }).start();
      // ok: java.sleep-with-lock
      lock.wait(100);
    }
    // ok: java.sleep-with-lock
    Thread.sleep(100);
  }

  Answer locked(RestTemplate rest, Object lock) {
    synchronized (lock) {
      // ruleid: java.request-with-lock
      cached = rest.getForObject("http://x", Answer.class);
    }
    // ok: java.request-with-lock
    Answer answer = rest.getForObject("http://x", Answer.class);
    synchronized (lock) {
      // ok: java.request-with-lock
      cached = answer;
    }
    return answer;
  }

  void tasks(List<Task> tasks, ExecutorService pool) throws Exception {
    for (Task task : tasks) {
      // ruleid: java.task-awaited-at-once
      use(pool.submit(task).get());
    }
    List<Future<?>> futures = new ArrayList<>();
    for (Task task : tasks) {
      // ok: java.task-awaited-at-once
      futures.add(pool.submit(task));
    }
    // ok: java.task-awaited-at-once
    pool.submit(tasks.get(0)).get();
  }

  boolean streams(List<Order> orders) {
    // ruleid: java.sort-for-one-element
    Optional<Order> least = orders.stream().min(byTotal);
    // ok: java.sort-for-one-element
    Optional<Order> min = orders.stream().min(byTotal);
    // ok: java.sort-for-one-element
    List<Order> all = orders.stream().sorted(byTotal).toList();
    // ruleid: java.count-to-know-whether
    boolean some = orders.stream().filter(Order::isOpen).count() > 0;
    // ok: java.count-to-know-whether
    boolean many = orders.stream().filter(Order::isOpen).count() > 3;
    // ok: java.count-to-know-whether
    return orders.stream().anyMatch(Order::isOpen);
  }

  void patterns(String text) {
    // ruleid: java.regex-backtracks
    Pattern.compile("(\\w+\\s?)*$");
    // ruleid: java.regex-backtracks
    text.matches("(a|a)+b");
    // ok: java.regex-backtracks
    Pattern.compile("(\\w+;)*$");
    // ok: java.regex-backtracks
    text.split("\\s*,\\s*");
  }
}
