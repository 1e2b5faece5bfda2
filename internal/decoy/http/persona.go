// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package http

import (
	"embed"
	"fmt"
	"net/http"
	"strings"
)

//go:embed pages
var pages embed.FS

// request is what a persona looks at.
type request struct {
	method, path, host, server, session string
	secure                              bool
	credentials                         credentials
}

// page is one response.
type page struct {
	status  int
	headers [][2]string
	body    string
}

// persona is a piece of software that a site runs.
type persona struct {
	serverHeader string
	respond      func(request) page
	// failure is the page for an error of the server itself.
	failure func(status int, server, host string) page
}

const (
	apache        = "Apache/2.4.62 (Debian)"
	phpVersion    = "PHP/8.2.28"
	tomcatVersion = "9.0.70"
	jenkinsServer = "Jetty(10.0.20)"
	jenkins       = "2.452.3"
)

func newPersona(app string) persona {
	switch app {
	case "wordpress":
		return persona{serverHeader: apache, respond: wordpressPage, failure: apacheFailure}
	case "phpmyadmin":
		return persona{serverHeader: apache, respond: phpMyAdminPage, failure: apacheFailure}
	case "tomcat":
		return persona{respond: tomcatPage, failure: tomcatFailure}
	case "jenkins":
		return persona{serverHeader: jenkinsServer, respond: jenkinsPage, failure: jenkinsFailure}
	default:
		return persona{serverHeader: apache, respond: plainPage, failure: apacheFailure}
	}
}

// load returns an embedded page with its marks replaced, given in pairs.
func load(name string, replacements ...string) string {
	content, err := pages.ReadFile("pages/" + name)
	if err != nil {
		return ""
	}
	return strings.NewReplacer(replacements...).Replace(string(content))
}

func html(status int, body string, headers ...[2]string) page {
	return page{status: status, body: body, headers: append([][2]string{{"Content-Type", "text/html; charset=UTF-8"}}, headers...)}
}

func text(status int, kind, body string) page {
	return page{status: status, body: body, headers: [][2]string{{"Content-Type", kind}}}
}

func redirect(status int, location string, headers ...[2]string) page {
	return html(status, "", append(headers, [2]string{"Location", location})...)
}

// origin is the address of the site as the client wrote it.
func (r request) origin() string {
	if r.secure {
		return "https://" + r.host
	}
	return "http://" + r.host
}

func statusText(status int) string {
	if words := http.StatusText(status); words != "" {
		return words
	}
	return "Unknown"
}

// apacheFailure is Apache's own error page.
func apacheFailure(status int, server, host string) page {
	words := map[int]string{
		http.StatusNotFound:            "<p>The requested URL was not found on this server.</p>\n",
		http.StatusForbidden:           "<p>You don't have permission to access this resource.</p>\n",
		http.StatusBadRequest:          "<p>Your browser sent a request that this server could not understand.<br />\n</p>\n",
		http.StatusUnauthorized:        "<p>This server could not verify that you\nare authorized to access the document\nrequested.  Either you supplied the wrong\ncredentials (e.g., bad password), or your\nbrowser doesn't understand how to supply\nthe credentials required.</p>\n",
		http.StatusMethodNotAllowed:    "<p>The requested method is not allowed for this URL.</p>\n",
		http.StatusInternalServerError: "<p>The server encountered an internal error or\nmisconfiguration and was unable to complete\nyour request.</p>\n",
	}[status]
	title := fmt.Sprintf("%d %s", status, statusText(status))
	body := "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>" + title + "</title>\n</head><body>\n<h1>" + statusText(status) + "</h1>\n" + words
	if server != "" {
		body += "<hr>\n<address>" + escapeHTML(server) + " Server at " + host + " Port 80</address>\n"
	}
	return page{status: status, body: body + "</body></html>\n", headers: [][2]string{{"Content-Type", "text/html; charset=iso-8859-1"}}}
}

func escapeHTML(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(text)
}

// sensitive says whether Apache would refuse a path by name.
func sensitive(path string) bool {
	return strings.Contains(path, "/.ht") || strings.HasPrefix(path, "/server-status")
}

// apacheMethod answers the methods that Apache answers by itself.
func apacheMethod(r request) (page, bool) {
	switch r.method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return page{}, false
	case http.MethodOptions:
		return page{status: http.StatusOK, headers: [][2]string{{"Allow", "GET,POST,OPTIONS,HEAD"}, {"Content-Type", "text/html"}}}, true
	}
	return apacheFailure(http.StatusMethodNotAllowed, r.server, r.host), true
}

func plainPage(r request) page {
	if shown, done := apacheMethod(r); done {
		return shown
	}
	switch {
	case sensitive(r.path):
		return apacheFailure(http.StatusForbidden, r.server, r.host)
	case r.path == "/" || r.path == "/index.html":
		return html(http.StatusOK, load("debian.html"),
			[2]string{"Last-Modified", "Tue, 11 Mar 2025 08:14:51 GMT"}, [2]string{"ETag", `"29cd-6300d4e8f6a1b"`},
			[2]string{"Accept-Ranges", "bytes"}, [2]string{"Vary", "Accept-Encoding"})
	}
	return apacheFailure(http.StatusNotFound, r.server, r.host)
}

func wordpressPage(r request) page {
	php := [2]string{"X-Powered-By", phpVersion}
	api := [2]string{"Link", `<` + r.origin() + `/index.php?rest_route=/>; rel="https://api.w.org/"`}
	switch {
	case sensitive(r.path):
		return apacheFailure(http.StatusForbidden, r.server, r.host)
	case r.path == "/" || r.path == "/index.php":
		return html(http.StatusOK, load("wordpress.html", "{{origin}}", r.origin(), "{{host}}", r.host), php, api)
	case r.path == "/wp-login.php":
		return wordpressLogin(r, php)
	case r.path == "/wp-admin" || strings.HasPrefix(r.path, "/wp-admin/"):
		return redirect(http.StatusFound, r.origin()+"/wp-login.php?redirect_to="+r.origin()+"%2Fwp-admin%2F&reauth=1", php)
	case r.path == "/xmlrpc.php" && r.method == http.MethodPost:
		return text(http.StatusOK, "text/xml; charset=UTF-8", load("xmlrpc.xml"))
	case r.path == "/xmlrpc.php":
		return text(http.StatusMethodNotAllowed, "text/plain;charset=UTF-8", "XML-RPC server accepts POST requests only.")
	case r.path == "/readme.html":
		return html(http.StatusOK, load("wordpress-readme.html"))
	case r.path == "/robots.txt":
		return text(http.StatusOK, "text/plain; charset=utf-8", "User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\n")
	case strings.HasPrefix(r.path, "/wp-json"):
		return text(http.StatusOK, "application/json; charset=UTF-8", load("wordpress.json", "{{origin}}", strings.ReplaceAll(r.origin(), "/", `\/`)))
	case strings.HasPrefix(r.path, "/wp-content/uploads"):
		return apacheFailure(http.StatusForbidden, r.server, r.host)
	}
	return html(http.StatusNotFound, load("wordpress-404.html", "{{origin}}", r.origin()), php, api)
}

func wordpressLogin(r request, php [2]string) page {
	problem := ""
	if r.credentials.given {
		problem = `<div id="login_error" class="notice notice-error"><p><strong>Error:</strong> The password you entered for the username <strong>` +
			escapeHTML(r.credentials.username) + `</strong> is incorrect. <a href="` + r.origin() + `/wp-login.php?action=lostpassword">Lost your password?</a></p></div>`
	}
	return html(http.StatusOK, load("wordpress-login.html", "{{origin}}", r.origin(), "{{problem}}", problem), php,
		[2]string{"Expires", "Wed, 11 Jan 1984 05:00:00 GMT"}, [2]string{"Cache-Control", "no-cache, must-revalidate, max-age=0, no-store, private"},
		[2]string{"Set-Cookie", "wordpress_test_cookie=WP%20Cookie%20check; path=/"}, [2]string{"X-Frame-Options", "SAMEORIGIN"})
}

func phpMyAdminPage(r request) page {
	path := strings.TrimPrefix(strings.TrimPrefix(r.path, "/phpmyadmin"), "/phpMyAdmin")
	switch {
	case r.path == "/phpmyadmin" || r.path == "/phpMyAdmin":
		return redirect(http.StatusMovedPermanently, r.origin()+r.path+"/")
	case path == "/" || path == "/index.php":
		problem := ""
		if r.credentials.given {
			problem = `<div class="alert alert-danger" role="alert"><img src="themes/dot.gif" title="" alt="" class="icon ic_s_error"> mysqli::real_connect(): (HY000/1045): Access denied for user &#039;` +
				escapeHTML(r.credentials.username) + `&#039;@&#039;localhost&#039; (using password: YES)</div>`
		}
		return html(http.StatusOK, load("phpmyadmin.html", "{{problem}}", problem, "{{session}}", strings.ToLower(r.session)),
			[2]string{"X-Powered-By", phpVersion}, [2]string{"X-Frame-Options", "DENY"},
			[2]string{"Set-Cookie", "phpMyAdmin=" + strings.ToLower(r.session) + "; path=/; HttpOnly; SameSite=Strict"},
			[2]string{"Set-Cookie", "pma_lang=en; path=/; HttpOnly; SameSite=Strict"},
			[2]string{"Cache-Control", "no-store, no-cache, must-revalidate,  pre-check=0, post-check=0, max-age=0"})
	case path == "/robots.txt":
		return text(http.StatusOK, "text/plain", "User-agent: *\nDisallow: /\n")
	}
	return apacheFailure(http.StatusNotFound, r.server, r.host)
}

func tomcatPage(r request) page {
	switch {
	case r.path == "/" || r.path == "/index.jsp":
		return html(http.StatusOK, load("tomcat.html", "{{version}}", tomcatVersion))
	case r.path == "/manager" || r.path == "/host-manager":
		return redirect(http.StatusFound, r.path+"/")
	case strings.HasPrefix(r.path, "/manager/") || strings.HasPrefix(r.path, "/host-manager/"):
		realm := "Tomcat Manager Application"
		if strings.HasPrefix(r.path, "/host") {
			realm = "Tomcat Host Manager Application"
		}
		return html(http.StatusUnauthorized, load("tomcat-401.html"), [2]string{"WWW-Authenticate", `Basic realm="` + realm + `"`},
			[2]string{"Cache-Control", "private"}, [2]string{"X-Frame-Options", "DENY"})
	}
	shown := tomcatFailure(http.StatusNotFound, "", r.host)
	shown.body = strings.Replace(shown.body, "{{message}}", "<p><b>Message</b> The requested resource ["+escapeHTML(r.path)+"] is not available</p>", 1)
	return clean(shown)
}

func tomcatFailure(status int, _, _ string) page {
	shown := page{
		status:  status,
		headers: [][2]string{{"Content-Type", "text/html;charset=utf-8"}, {"Content-Language", "en"}},
		body:    load("tomcat-error.html", "{{status}}", fmt.Sprintf("%d – %s", status, statusText(status)), "{{version}}", tomcatVersion),
	}
	if status == http.StatusNotFound {
		return shown
	}
	return clean(shown)
}

// clean removes a mark that nothing was put in place of.
func clean(shown page) page {
	shown.body = strings.Replace(shown.body, "{{message}}", "", 1)
	return shown
}

func jenkinsHeaders(session string) [][2]string {
	return [][2]string{
		{"X-Content-Type-Options", "nosniff"},
		{"X-Hudson", "1.395"},
		{"X-Jenkins", jenkins},
		{"X-Jenkins-Session", "7c1b3f02"},
		{"Set-Cookie", "JSESSIONID." + strings.ToLower(session[:8]) + "=node0" + strings.ToLower(session) + "0.node0; Path=/; HttpOnly"},
	}
}

func jenkinsPage(r request) page {
	headers := jenkinsHeaders(r.session)
	switch {
	case r.path == "/login":
		return html(http.StatusOK, load("jenkins-login.html", "{{problem}}", ""), headers...)
	case r.path == "/loginError":
		return html(http.StatusUnauthorized, load("jenkins-login.html", "{{problem}}", `<div class="app-sign-in-register__error">Invalid username or password</div>`), headers...)
	case r.path == "/j_spring_security_check":
		return redirect(http.StatusFound, r.origin()+"/loginError", headers...)
	case r.path == "/robots.txt":
		return text(http.StatusOK, "text/plain;charset=utf-8", "# we don't want robots to click \"build\" links\nUser-agent: *\nDisallow: /\n")
	}
	body := `<html><head><meta http-equiv='refresh' content='1;url=/login?from=` + escapeHTML(r.path) + `'/><script id='redirect' data-redirect-url='/login?from=` + escapeHTML(r.path) +
		`' src='/static/7c1b3f02/scripts/redirect.js'></script></head><body style='background-color:white; color:white;'>` + "\nAuthentication required\n<!--\n-->\n\n</body></html>            "
	return html(http.StatusForbidden, body, headers...)
}

func jenkinsFailure(status int, _, _ string) page {
	return page{
		status:  status,
		headers: [][2]string{{"Content-Type", "text/html;charset=iso-8859-1"}},
		body:    fmt.Sprintf("<h1>Bad Message %d</h1><pre>reason: %s</pre>", status, statusText(status)),
	}
}
