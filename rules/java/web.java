import com.fasterxml.jackson.databind.ObjectMapper;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.zip.ZipEntry;
import javax.crypto.Mac;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

class Web {
  void encrypt(SecureRandom random, byte[] key) throws Exception {
    // ruleid: java.constant-iv
    new IvParameterSpec("0123456789abcdef".getBytes());
    // ruleid: java.constant-iv
    new IvParameterSpec(new byte[16]);
    byte[] iv = new byte[16];
    random.nextBytes(iv);
    // ok: java.constant-iv
    new IvParameterSpec(iv);
    // ruleid: java.key-in-code
    new SecretKeySpec("0123456789abcdef".getBytes(UTF_8), "AES");
    // ok: java.key-in-code
    new SecretKeySpec(key, "AES");
    // ok: java.key-in-code
    new SecretKeySpec(System.getenv("KEY").getBytes(), "AES");
    KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA");
    // ruleid: java.short-key
    rsa.initialize(1024);
    // ok: java.short-key
    rsa.initialize(3072);
    KeyPairGenerator ec = KeyPairGenerator.getInstance("EC");
    // ok: java.short-key
    ec.initialize(256);
  }

  void hash(char[] password, byte[] salt, int rounds) throws Exception {
    // ruleid: java.few-hash-rounds
    new PBEKeySpec(password, salt, 1000, 256);
    // ok: java.few-hash-rounds
    new PBEKeySpec(password, salt, 210_000, 256);
    // ok: java.few-hash-rounds
    new PBEKeySpec(password, salt, rounds, 256);
    // ruleid: java.few-hash-rounds
    new BCryptPasswordEncoder(4);
    // ok: java.few-hash-rounds
    new BCryptPasswordEncoder();
  }

  void random() throws Exception {
    // ruleid: java.seed-written-in-code
    new SecureRandom("seed".getBytes());
    // ok: java.seed-written-in-code
    new SecureRandom();
    SecureRandom fixed = SecureRandom.getInstance("SHA1PRNG");
    // ruleid: java.seed-written-in-code
    fixed.setSeed(42);
    // ok: java.seed-written-in-code
    fixed.setSeed(fixed.generateSeed(16));
  }

  boolean signed(Mac mac, byte[] body, byte[] given, byte[] other) {
    byte[] own = mac.doFinal(body);
    // ok: java.timing-unsafe-comparison
    if (MessageDigest.isEqual(own, given)) return true;
    // ok: java.timing-unsafe-comparison
    if (Arrays.equals(body, other)) return true;
    // ruleid: java.timing-unsafe-comparison
    return Arrays.equals(own, given);
  }

  void tls() throws Exception {
    // ruleid: java.old-tls-version
    SSLContext.getInstance("SSL");
    // ruleid: java.old-tls-version
    SSLContext.getInstance("TLSv1.1");
    // ok: java.old-tls-version
    SSLContext.getInstance("TLS");
    // ok: java.old-tls-version
    SSLContext.getInstance("TLSv1.3");
  }

  // ruleid: java.json-names-the-class
  @JsonTypeInfo(use = JsonTypeInfo.Id.CLASS, property = "type")
  interface Event {}

  // ok: java.json-names-the-class
  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
  interface Named {}

  // ok: java.json-names-the-class
  @JsonTypeInfo(use = JsonTypeInfo.Id.CLASS)
  @JsonAutoDetect(fieldVisibility = JsonAutoDetect.Visibility.ANY)
  abstract static class UserMixin {}

  void json(ObjectMapper mapper, PolymorphicTypeValidator listed) {
    // ruleid: java.json-names-the-class
    mapper.enableDefaultTyping();
    // ok: java.json-names-the-class
    mapper.activateDefaultTyping(listed, ObjectMapper.DefaultTyping.NON_FINAL);
    // ruleid: java.unsafe-yaml-load
    new Yaml().load(text);
    // ok: java.unsafe-yaml-load
    new Yaml(new SafeConstructor(new LoaderOptions())).load(text);
  }

  void expression(SpelExpressionParser parser, String name) {
    // ruleid: java.expression-from-values
    parser.parseExpression("names['" + name + "']").getValue();
    // ok: java.expression-from-values
    parser.parseExpression("names[#name]").getValue();
    // ok: java.expression-from-values
    parser.parseExpression("names" + "[0]").getValue();
  }

  void cors(CorsRegistry registry, HttpServletRequest request, HttpServletResponse response) {
    // ruleid: java.any-origin-with-credentials
    registry.addMapping("/**").allowedOriginPatterns("*").allowedMethods("*").allowCredentials(true);
    // ok: java.any-origin-with-credentials
    registry.addMapping("/**").allowedOrigins("https://a.example").allowCredentials(true);
    // ok: java.any-origin-with-credentials
    registry.addMapping("/**").allowedOrigins("*").allowedMethods("GET");
    // ruleid: java.any-origin-with-credentials
    response.setHeader("Access-Control-Allow-Origin", request.getHeader("Origin"));
    // ok: java.any-origin-with-credentials
    response.setHeader("Access-Control-Allow-Origin", "https://a.example");
  }

  void unpack(ZipInputStream zip, File folder) throws Exception {
    ZipEntry entry = zip.getNextEntry();
    // ruleid: java.archive-member-path
    write(new File(folder, entry.getName()), zip);
  }

  void unpackWell(ZipInputStream zip, File folder) throws Exception {
    ZipEntry entry = zip.getNextEntry();
    // ok: java.archive-member-path
    Path target = folder.toPath().resolve(entry.getName()).normalize();
    if (!target.startsWith(folder.toPath())) throw new IOException("outside");
    write(target.toFile(), zip);
  }

  void unpackChecked(ZipInputStream zip, Path folder) throws Exception {
    ZipEntry entry = zip.getNextEntry();
    // ok: java.archive-member-path
    Path target = folder.resolve(entry.getName());
    refuseTraversal(folder, target);
    write(target.toFile(), zip);
  }

  void named(Item item, File folder) {
    // ok: java.archive-member-path
    write(new File(folder, item.getName()), null);
  }

  void fail(Exception e, HttpServletResponse response) throws Exception {
    // ruleid: java.stack-trace-to-client
    e.printStackTrace(response.getWriter());
    // ok: java.stack-trace-to-client
    e.printStackTrace();
    // ok: java.stack-trace-to-client
    e.printStackTrace(new PrintWriter(text));
  }
}
