package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// web is what the operator serves.
type web struct {
	url     string
	servers []*http.Server
	end     context.CancelFunc // of requests that would not end by themselves
}

// listen serves the page, and the metrics if they are asked for. failed is told what ends
// one of them.
func (o *operator) listen(ctx context.Context, failed context.CancelCauseFunc) (*web, error) {
	handler, err := o.newPage()
	if err != nil {
		return nil, err
	}
	l, at, err := o.listener()
	if err != nil {
		return nil, err
	}
	w := &web{url: at}
	ctx, w.end = context.WithCancel(context.WithoutCancel(ctx))
	w.serve(ctx, l, handler, o.log, failed)
	if o.settings.metrics == "" {
		return w, nil
	}
	m, err := net.Listen("tcp", o.settings.metrics)
	if err != nil {
		w.close()
		return nil, fmt.Errorf("-metrics-addr: %w", err)
	}
	mux := http.NewServeMux()
	told := o.metrics.Handler()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		o.metrics.Observe(o.desk.Domains())
		told.ServeHTTP(w, r)
	})
	w.serve(ctx, m, mux, o.log, failed)
	return w, nil
}

// listener listens where the settings say; the demonstration elsewhere, if that is taken.
func (o *operator) listener() (net.Listener, string, error) {
	if o.socket != "" {
		if info, err := os.Lstat(o.socket); err == nil && info.Mode().Type() == fs.ModeSocket {
			if err := os.Remove(o.socket); err != nil { // that of an operator that was killed: this one has the folder
				return nil, "", fmt.Errorf("-socket: %w", err)
			}
		}
		l, err := net.Listen("unix", o.socket)
		if err != nil {
			return nil, "", fmt.Errorf("-socket: %w", err)
		}
		return l, "unix:" + o.socket, nil
	}
	l, err := net.Listen("tcp", o.addr)
	if errors.Is(err, syscall.EADDRINUSE) && o.demonstration && !o.addrGiven {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, "", fmt.Errorf("-addr: %w", err)
	}
	return l, "http://" + l.Addr().String() + "/", nil
}

func (w *web) serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger, failed context.CancelCauseFunc) {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx }, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	w.servers = append(w.servers, s)
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed(err)
		}
	}()
}

// close ends what is served: forms that were sent are answered first.
func (w *web) close() {
	w.end()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	for _, s := range w.servers {
		if err := s.Shutdown(ctx); err != nil {
			s.Close()
		}
	}
}
