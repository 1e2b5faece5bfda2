// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package http_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/decoy/decoytest"
)

// client talks to the service whatever the host in the address is.
func client(t *testing.T, service *decoytest.Service, protocols ...func(*http.Protocols)) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "tcp", service.Addresses[0])
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	if len(protocols) > 0 {
		transport.Protocols = &http.Protocols{}
		protocols[0](transport.Protocols)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type response struct {
	*http.Response

	body string
}

func do(t *testing.T, c *http.Client, method, address, contentType, body string) response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	answer, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{Response: answer, body: string(content)}
}

func TestPersonas(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	tests := map[string]struct {
		app, method, path, body string
		status                  int
		header, value           string
		contains                string
	}{
		"none, home":                {"none", "GET", "/", "", 200, "Server", "Apache/2.4.62 (Debian)", "Apache2 Debian Default Page"},
		"none, missing":             {"none", "GET", "/x", "", 404, "Content-Type", "text/html; charset=iso-8859-1", "<address>Apache/2.4.62 (Debian) Server at www.example.com Port 80</address>"},
		"none, hidden":              {"none", "GET", "/.htaccess", "", 403, "Server", "Apache/2.4.62 (Debian)", "You don't have permission"},
		"none, other method":        {"none", "DELETE", "/", "", 405, "Server", "Apache/2.4.62 (Debian)", "method is not allowed"},
		"none, options":             {"none", "OPTIONS", "/", "", 200, "Allow", "GET,POST,OPTIONS,HEAD", ""},
		"wordpress, home":           {"wordpress", "GET", "/", "", 200, "X-Powered-By", "PHP/8.2.28", `content="WordPress 6.5.5"`},
		"wordpress, login form":     {"wordpress", "GET", "/wp-login.php", "", 200, "X-Frame-Options", "SAMEORIGIN", `name="pwd"`},
		"wordpress, failed login":   {"wordpress", "POST", "/wp-login.php", "log=<b>&pwd=x", 200, "X-Powered-By", "PHP/8.2.28", "username <strong>&lt;b&gt;</strong> is incorrect"},
		"wordpress, admin":          {"wordpress", "GET", "/wp-admin/", "", 302, "Location", "http://www.example.com/wp-login.php?redirect_to=http://www.example.com%2Fwp-admin%2F&reauth=1", ""},
		"wordpress, api":            {"wordpress", "GET", "/wp-json/", "", 200, "Content-Type", "application/json; charset=UTF-8", `"url":"http:\/\/www.example.com"`},
		"wordpress, rpc":            {"wordpress", "POST", "/xmlrpc.php", "<x/>", 200, "Content-Type", "text/xml; charset=UTF-8", "faultCode"},
		"phpmyadmin, form":          {"phpmyadmin", "GET", "/phpmyadmin/", "", 200, "X-Frame-Options", "DENY", "pma_username"},
		"phpmyadmin, failed login":  {"phpmyadmin", "POST", "/index.php", "pma_username=root&pma_password=x", 200, "X-Powered-By", "PHP/8.2.28", "Access denied for user"},
		"phpmyadmin, without slash": {"phpmyadmin", "GET", "/phpmyadmin", "", 301, "Location", "http://www.example.com/phpmyadmin/", ""},
		"tomcat, home":              {"tomcat", "GET", "/", "", 200, "Content-Type", "text/html; charset=UTF-8", "Apache Tomcat/9.0.70"},
		"tomcat, manager":           {"tomcat", "GET", "/manager/html", "", 401, "WWW-Authenticate", `Basic realm="Tomcat Manager Application"`, "tomcat-users.xml"},
		"tomcat, missing":           {"tomcat", "GET", "/<x>", "", 404, "Content-Language", "en", "The requested resource [/&lt;x&gt;] is not available"},
		"jenkins, home":             {"jenkins", "GET", "/", "", 403, "X-Jenkins", "2.452.3", "Authentication required"},
		"jenkins, form":             {"jenkins", "GET", "/login", "", 200, "Server", "Jetty(10.0.20)", "j_password"},
		"jenkins, login":            {"jenkins", "POST", "/j_spring_security_check", "j_username=a&j_password=b", 302, "Location", "http://www.example.com/loginError", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := decoytest.Start(t, "httpd", map[string]string{"APP": test.app})
			got := do(t, client(t, service), test.method, "http://www.example.com"+test.path, form, test.body)
			if got.StatusCode != test.status || got.Header.Get(test.header) != test.value || !strings.Contains(got.body, test.contains) {
				t.Errorf("got %d, %s %q, body %s", got.StatusCode, test.header, got.Header.Get(test.header), got.body)
			}
			if strings.Contains(got.body, "{{") {
				t.Errorf("a mark is left in %s", got.body)
			}
		})
	}
}

func TestSettingsChangeThePages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config        map[string]string
		path          string
		status        int
		header, value string
		contains      string
	}{
		"server header":                  {map[string]string{"SERVER_HEADER": "nginx/1.22.1"}, "/", 200, "Server", "nginx/1.22.1", ""},
		"code of pages that exist":       {map[string]string{"RESPONSE_CODE": "503"}, "/", 503, "", "", ""},
		"not of those that do not":       {map[string]string{"RESPONSE_CODE": "503"}, "/x", 404, "", "", ""},
		"extra headers":                  {map[string]string{"EXTRA_HEADERS": "X-A: one, X-B:two"}, "/x", 404, "X-B", "two", ""},
		"body on every path":             {map[string]string{"BODY": "<p>hi</p>"}, "/x", 200, "Content-Type", "text/html; charset=UTF-8", "<p>hi</p>"},
		"body with code":                 {map[string]string{"BODY": `{"a":1}`, "RESPONSE_CODE": "201"}, "/x", 201, "Content-Type", "application/json", `{"a":1}`},
		"the header is shown on errors":  {map[string]string{"SERVER_HEADER": "<x>"}, "/x", 404, "Server", "<x>", "&lt;x&gt; Server at"},
		"an extra header may replace it": {map[string]string{"EXTRA_HEADERS": "Server: y"}, "/x", 404, "Server", "y", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := decoytest.Start(t, "httpd", test.config)
			got := do(t, client(t, service), "GET", "http://www.example.com"+test.path, "", "")
			if got.StatusCode != test.status || got.Header.Get(test.header) != test.value || !strings.Contains(got.body, test.contains) {
				t.Errorf("got %d, %s %q, body %s", got.StatusCode, test.header, got.Header.Get(test.header), got.body)
			}
		})
	}
}

func TestRequestsAreRecorded(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "httpd", map[string]string{"APP": "wordpress"})
	form := url.Values{"log": {"admin"}, "pwd": {"p&ss"}}.Encode()
	do(t, client(t, service), "POST", "http://shop.example.com/wp-login.php?x=1", "application/x-www-form-urlencoded", form)
	service.Find(t, "request", decoytest.Record{
		"protocol": "http", "method": "POST", "path": "/wp-login.php", "query": "x=1", "host": "shop.example.com", "body": form, "size": len(form),
	})
	service.Find(t, "login", decoytest.Record{"username": "admin", "password": "p&ss"})

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://shop.example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("tomcat", "s3cret")
	answer, err := client(t, service).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	service.Find(t, "login", decoytest.Record{"username": "tomcat", "password": "s3cret"})
}

func TestTLSOffersTheConfiguredVersions(t *testing.T) {
	t.Parallel()
	one, two := func(p *http.Protocols) { p.SetHTTP1(true) }, func(p *http.Protocols) { p.SetHTTP2(true) }
	both := func(p *http.Protocols) { p.SetHTTP1(true); p.SetHTTP2(true) }
	tests := map[string]struct {
		versions string
		offer    func(*http.Protocols)
		want     int
	}{
		"both by default": {"", both, 2},
		"a client of 1.1": {"", one, 1},
		"a client of 2":   {"1.1, 2", two, 2},
		"only 1.1":        {"1.1", both, 1},
		"only 2":          {"2", both, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := decoytest.Start(t, "httpsd", map[string]string{"HTTP_VERSIONS": test.versions})
			got := do(t, client(t, service, test.offer), "GET", "https://www.example.com/", "", "")
			if got.ProtoMajor != test.want || got.StatusCode != http.StatusOK || got.Header.Get("Server") == "" {
				t.Errorf("got %s, %d", got.Proto, got.StatusCode)
			}
			service.Find(t, "request", decoytest.Record{"protocol": "https", "path": "/"})
		})
	}
}

func TestTLSCertificateIsForTheConfiguredName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config map[string]string
		want   string
	}{
		"the host": {nil, "CN=srv-01"},
		"set":      {map[string]string{"CERT_COMMON_NAME": "intranet.example.com"}, "CN=intranet.example.com"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := decoytest.Start(t, "httpsd", test.config)
			got := do(t, client(t, service), "GET", "https://www.example.com/", "", "")
			if subject := got.TLS.PeerCertificates[0].Subject.String(); subject != test.want {
				t.Errorf("subject is %s", subject)
			}
		})
	}
}

func TestBrokenRequestsDoNotGiveTheServerAway(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ program, app, request, status, contains string }{
		"garbage":               {"httpd", "none", "\x00\x01\x02\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "Server: Apache/2.4.62 (Debian)\r\n"},
		"no host":               {"httpd", "none", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "<h1>Bad Request</h1>"},
		"huge header":           {"httpd", "none", "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "HTTP/1.1 431 ", "Server: Apache/2.4.62 (Debian)\r\n"},
		"tomcat":                {"httpd", "tomcat", "GET / HTTP/9\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "Apache Tomcat/9.0.70"},
		"jenkins":               {"httpd", "jenkins", "x\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "Bad Message 400"},
		"plain HTTP to TLS":     {"httpsd", "none", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "Server: Apache/2.4.62 (Debian)\r\n"},
		"a transfer of no kind": {"httpd", "none", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n", "HTTP/1.1 501 Not Implemented\r\n", "Server: Apache/2.4.62 (Debian)\r\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := decoytest.Start(t, test.program, map[string]string{"APP": test.app})
			conn := service.Dial(t)
			if _, err := io.WriteString(conn, test.request); err != nil {
				t.Fatal(err)
			}
			// A connection that is closed before all is read may be reset.
			answer, _ := io.ReadAll(conn)
			got := string(answer)
			if !strings.HasPrefix(got, test.status) || !strings.Contains(got, test.contains) || strings.Contains(got, "text/plain; charset=utf-8") {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "httpd", nil)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://www.example.com/", io.LimitReader(zeros{}, 64<<20))
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := client(t, service).Do(request); err == nil {
		_ = answer.Body.Close()
	}
	service.Find(t, "request", decoytest.Record{"size": 1 << 20, "truncated": true})
	got := do(t, client(t, service), "GET", "http://www.example.com/", "", "")
	if got.StatusCode != http.StatusOK {
		t.Errorf("got %d", got.StatusCode)
	}
}

type zeros struct{}

func (zeros) Read(buffer []byte) (int, error) { return len(buffer), nil }

func TestBadSettingsAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ program, name, value, want string }{
		"app":         {"httpd", "APP", "drupal", `configure: APP must be one of none, wordpress, phpmyadmin, tomcat, jenkins, not "drupal"`},
		"code":        {"httpd", "RESPONSE_CODE", "99", `configure: RESPONSE_CODE must be a whole number from 200 to 599, not "99"`},
		"header":      {"httpd", "EXTRA_HEADERS", "X A: b", `configure: EXTRA_HEADERS must be a comma-separated list of Name: value, not "X A: b"`},
		"line break":  {"httpd", "SERVER_HEADER", "a\r\nb", `configure: SERVER_HEADER must be printable UTF-8 text, not "a\r\nb"`},
		"HTTP/3":      {"httpsd", "HTTP_VERSIONS", "1.1,3", `configure: HTTP_VERSIONS must be a comma-separated list of 1.1 and 2, not "3"`},
		"common name": {"httpsd", "CERT_COMMON_NAME", strings.Repeat("x", 65), `configure: CERT_COMMON_NAME must be at most 64 bytes, not "` + strings.Repeat("x", 60) + `…"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := decoytest.Refused(t, test.program, map[string]string{test.name: test.value})
			if err == nil || err.Error() != test.want {
				t.Errorf("error is %v", err)
			}
		})
	}
}
