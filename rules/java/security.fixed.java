package shop;

import java.io.File;
import java.io.ObjectInputStream;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.Statement;
import javax.crypto.Cipher;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import javax.xml.parsers.DocumentBuilderFactory;

class Shop {
  void find(Connection connection, Statement statement, String name) throws Exception {
    // ruleid: java.sql-injection
    statement.executeQuery("SELECT * FROM users WHERE name = '" + name + "'");
    // ruleid: java.sql-injection
    statement.executeUpdate(String.format("DELETE FROM users WHERE name = '%s'", name));
    String query = "UPDATE users SET name = '" + name + "'";
    // ruleid: java.sql-injection
    statement.execute(query);
    // ok: java.sql-injection
    PreparedStatement prepared = connection.prepareStatement("SELECT * FROM users WHERE name = ?");
    // ok: java.sql-injection
    statement.executeQuery("SELECT * FROM users " + "WHERE id = 1");
  }

  void archive(String path) throws Exception {
    // ruleid: java.command-injection
    Runtime.getRuntime().exec("tar czf out.tgz " + path);
    // ruleid: java.command-injection
    new ProcessBuilder("sh", "-c", "rm -rf " + path);
    // ok: java.command-injection
    new ProcessBuilder("tar", "czf", "out.tgz", path);
    // ok: java.command-injection
    Runtime.getRuntime().exec("ls");
  }

  void receive(HttpServletRequest request, HttpServletResponse response, java.io.InputStream own) throws Exception {
    // ruleid: java.unsafe-deserialization
    new ObjectInputStream(request.getInputStream());
    // ok: java.unsafe-deserialization
    new ObjectInputStream(own);
    // ruleid: java.path-traversal
    new File("uploads", request.getParameter("name"));
    // ruleid: java.path-traversal
    new File("uploads/" + request.getParameter("name"));
    // ok: java.path-traversal
    new File("uploads", Names.sanitize(request.getParameter("name")));
    // ruleid: java.open-redirect
    response.sendRedirect(request.getParameter("next"));
    // ok: java.open-redirect
    response.sendRedirect("/login");
    // ruleid: java.xss-response-writer
    response.getWriter().println("Hello " + request.getParameter("name"));
    // ok: java.xss-response-writer
    response.getWriter().println("Hello " + escape(request.getParameter("name")));
  }

  void parse() throws Exception {
    // ruleid: java.xml-external-entities
    DocumentBuilderFactory.newInstance().newDocumentBuilder();
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    // ruleid: java.xml-external-entities
    factory.newDocumentBuilder();
    DocumentBuilderFactory safe = DocumentBuilderFactory.newInstance();
    safe.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
    // ok: java.xml-external-entities
    safe.newDocumentBuilder();
  }

  void encrypt(String password, byte[] body) throws Exception {
    // ruleid: java.weak-cipher
    Cipher.getInstance("DES/CBC/PKCS5Padding");
    // ruleid: java.weak-cipher
    Cipher.getInstance("AES");
    // ok: java.weak-cipher
    Cipher.getInstance("AES/GCM/NoPadding");
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    // ruleid: java.weak-password-hash
    digest.digest(password.getBytes());
    // ok: java.weak-password-hash
    digest.digest(body);
  }

  void connect(HttpsURLConnection connection, HttpSecurity http, Cookie cookie, HostnameVerifier verifier) throws Exception {
    // ruleid: java.tls-verification-off
    connection.setHostnameVerifier((host, session) -> true);
    // ok: java.tls-verification-off
    connection.setHostnameVerifier(verifier);
    // ruleid: java.spring-csrf-off
    http.csrf().disable();
    // ok: java.spring-csrf-off
    http.csrf();
    // ruleid: java.cookie-without-http-only
    cookie.setHttpOnly(true);
    // ok: java.cookie-without-http-only
    cookie.setHttpOnly(true);
  }
}
