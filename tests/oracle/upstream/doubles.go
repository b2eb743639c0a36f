package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"
	"unsafe"

	"go.uber.org/zap"
)

func quiet() *zap.SugaredLogger { return zap.NewNop().Sugar() }

// inside sets a field that the original keeps to itself.
func inside(object any, field string, value any) {
	found := reflect.ValueOf(object).Elem().FieldByName(field)
	reflect.NewAt(found.Type(), unsafe.Pointer(found.UnsafeAddr())).Elem().Set(reflect.ValueOf(value))
}

// raw is JSON as it is, where it is that.
func raw(text []byte) any {
	if json.Valid(text) {
		return json.RawMessage(text)
	}
	return string(text)
}

// body is text, or base64 where that is none.
func body(content []byte) shown {
	if utf8.Valid(content) {
		return shown{"text": string(content)}
	}
	return shown{"base64": base64.StdEncoding.EncodeToString(content)}
}

// wire is a transport that sees a request, checks it as Go's own does, and answers 200.
type wire struct{ sent shown }

func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	content := []byte{}
	if request.Body != nil {
		var err error
		if content, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
	}
	if err := refused(request); err != nil {
		return nil, err
	}
	w.sent = shown{
		"method": request.Method, "url": request.URL.String(), "headers": request.Header, "host": request.Host,
		"body": body(content),
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}")), Request: request,
	}, nil
}

// refused asks Go's own transport whether it would send the request.
func refused(request *http.Request) error {
	probe := request.Clone(request.Context())
	probe.Body = http.NoBody
	probe.ContentLength = 0
	response, err := (&http.Transport{DialContext: answered, DialTLSContext: answered}).RoundTrip(probe)
	if err == nil {
		err = response.Body.Close()
	}
	return err
}

// answered is a connection to somebody who says 200 to the first request.
func answered(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		// Whatever it is: what is no request is the server's business.
		_, _ = http.ReadRequest(bufio.NewReader(far))
		_, _ = io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	}()
	return near, nil
}
