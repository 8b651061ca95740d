package shop;

import java.io.File;
import java.io.PrintWriter;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.sql.Connection;
import java.util.Random;
import javax.naming.directory.DirContext;
import javax.servlet.http.Cookie;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import javax.servlet.http.HttpSession;
import javax.xml.xpath.XPath;
import org.slf4j.Logger;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;

class Flows {
  void sql(HttpServletRequest request, Connection db) throws Exception {
    String name = request.getParameter("name");
    // ruleid: java.request-to-sql
    db.createStatement().executeQuery("select * from users where name = '" + name + "'");
    // ok: java.request-to-sql
    db.prepareStatement("select * from users where name = ?").setString(1, name);
    int page = Integer.parseInt(request.getParameter("page"));
    // ok: java.request-to-sql
    db.createStatement().executeQuery("select * from users offset " + page);
  }

  void command(HttpServletRequest request, Runtime runtime) throws Exception {
    String host = request.getHeader("X-Host");
    // ruleid: java.request-to-command
    runtime.exec("ping " + host);
    // ok: java.request-to-command
    runtime.exec("uptime");
  }

  Object spring(@RequestParam String file, @PathVariable("id") String id, int size) {
    // ruleid: java.request-to-path
    File asked = new File("/srv/files/" + file);
    // ruleid: java.request-to-path
    File other = new File("/srv/files", id);
    // ok: java.request-to-path
    File fixed = new File("/srv/files/" + size);
    return asked;
  }

  void page(HttpServletRequest request, HttpServletResponse response) throws Exception {
    String name = request.getParameter("name");
    // ruleid: java.request-to-page
    response.getWriter().println("<b>" + name + "</b>");
    // ok: java.request-to-page
    response.getWriter().println("<b>" + HtmlUtils.htmlEscape(name) + "</b>");
    PrintWriter out = response.getWriter();
    // ruleid: java.request-to-page
    out.printf("<b>%s</b>", name);
  }

  void ldap(HttpServletRequest request, DirContext context) throws Exception {
    String user = request.getParameter("user");
    // ruleid: java.request-to-ldap
    context.search("ou=people", "(uid=" + user + ")", null);
    // ok: java.request-to-ldap
    context.search("ou=people", "(uid={0})", new Object[] {user}, null);
  }

  void xpath(HttpServletRequest request, XPath xpath, Object document) throws Exception {
    String user = request.getParameter("user");
    // ruleid: java.request-to-xpath
    xpath.evaluate("/users/user[@name='" + user + "']", document);
    // ok: java.request-to-xpath
    xpath.evaluate("/users/user[@name=$name]", document);
  }

  void session(HttpServletRequest request, HttpSession session) {
    // ruleid: java.request-to-session
    session.setAttribute("role", request.getParameter("role"));
    // ok: java.request-to-session
    session.setAttribute("role", "guest");
  }

  void redirect(HttpServletRequest request, HttpServletResponse response) throws Exception {
    // ruleid: java.request-to-redirect
    response.sendRedirect(request.getParameter("next"));
    // ok: java.request-to-redirect
    response.sendRedirect("/home");
  }

  void load(HttpServletRequest request) throws Exception {
    String kind = request.getParameter("kind");
    // ruleid: java.request-to-class
    Class.forName("shop.plugins." + kind);
    // ok: java.request-to-class
    Class.forName("a".equals(kind) ? "shop.plugins.A" : "shop.plugins.B");
  }

  void fetch(HttpServletRequest request) throws Exception {
    String url = request.getParameter("url");
    // ruleid: java.request-to-url
    new java.net.URL(url).openStream();
    // ok: java.request-to-url
    new java.net.URL("https://example.org/").openStream();
  }

  void log(HttpServletRequest request, Logger log) {
    String user = request.getParameter("user");
    // ruleid: java.request-to-log
    log.info("login of " + user);
    // ok: java.request-to-log
    log.info("login of " + user.replaceAll("[\r\n]", "_"));
  }

  void secrets(HttpServletResponse response, SecureRandom secure) {
    Random random = new Random();
    // ruleid: java.predictable-secret
    Cookie cookie = new Cookie("session", Long.toString(random.nextLong()));
    // ok: java.predictable-secret
    Cookie better = new Cookie("session", Long.toString(secure.nextLong()));
    // ruleid: java.predictable-secret
    String resetToken = Double.toString(Math.random());
    // ruleid: java.predictable-secret
    String sessionId = org.apache.commons.lang3.RandomStringUtils.randomAlphanumeric(20);
    // ok: java.predictable-secret
    double dice = Math.random();
    // ruleid: java.cookie-without-secure
    cookie.setSecure(true);
    // ok: java.cookie-without-secure
    better.setSecure(true);
  }

  void crypto() throws Exception {
    // ruleid: java.broken-hash
    MessageDigest.getInstance("MD5");
    // ok: java.broken-hash
    MessageDigest.getInstance("SHA-256");
  }
}
