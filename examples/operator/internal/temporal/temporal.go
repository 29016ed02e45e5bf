// Package temporal runs a Temporal server on this machine, with its state in one file
// of SQLite: for the demonstration and for tests. Whoever manages real customers uses
// a cluster.
//
// The server takes whoever reaches its port for its owner, so it listens on loopback
// only. What it has told a client to be done is in the file: after a kill the next
// server on the same file goes on, and a timer may fire up to a minute late.
//
// It needs minutes to build, and more with the race detector: only programs, and
// tests of whole programs, import it.
package temporal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/schema/sqlite"
	server "go.temporal.io/server/temporal"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Namespace is the one that a server has unless Options say otherwise.
const Namespace = "operator"

// Options say where a server keeps its state and listens.
type Options struct {
	// File is the database. It is made, for its owner alone, if it does not exist; its
	// folder must. One server at a time may have it.
	File string
	// Addr is where clients connect, such as "127.0.0.1:7233": an IP address of loopback,
	// and a port, of which 0 takes a free one.
	Addr string
	// Namespace is the one namespace; "" is [Namespace].
	Namespace string
	// Log is the file to which errors are appended; "" discards them.
	Log string
	// Ready, if not nil, is called once, when clients are answered, with the address.
	Ready func(addr string)
}

// Serve runs a server until ctx ends, of which nothing is an error.
func Serve(ctx context.Context, o Options) error {
	if o.Namespace == "" {
		o.Namespace = Namespace
	}
	ip, ports, err := listenAt(o.Addr)
	if err != nil {
		return fmt.Errorf("temporal: %w", err)
	}
	logger, err := openLog(o.Log)
	if err != nil {
		return fmt.Errorf("temporal: %w", err)
	}
	cfg := configuration(o.File, ip, ports)
	if err := prepare(o.File, o.Namespace); err != nil {
		return fmt.Errorf("temporal: %s: %w", o.File, err)
	}
	s, err := server.NewServer(
		server.WithConfig(cfg),
		server.ForServices(server.DefaultServices),
		server.WithStaticHosts(hosts(ip, ports)),
		server.WithLogger(logger),
		server.WithAuthorizer(authorization.NewNoopAuthorizer()),
		server.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
	)
	if err != nil {
		return fmt.Errorf("temporal: %w", err)
	}
	if err := s.Start(); err != nil {
		return fmt.Errorf("temporal: the server does not start: %w", err)
	}
	addr := net.JoinHostPort(ip, strconv.Itoa(ports[primitives.FrontendService]))
	err = answers(ctx, addr, o.Namespace)
	if err == nil {
		if o.Ready != nil {
			o.Ready(addr)
		}
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		err = nil
	}
	return errors.Join(err, s.Stop())
}

// services are those of a server, each with a port of its own. The first has the clients'.
var services = [...]primitives.ServiceName{
	primitives.FrontendService, primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
}

// listenAt chooses the ports. They are free now; who takes one before the server does
// makes its start fail.
func listenAt(addr string) (ip string, ports map[primitives.ServiceName]int, err error) {
	ip, _, err = net.SplitHostPort(addr)
	if err != nil {
		return "", nil, err
	}
	if at := net.ParseIP(ip); at == nil || !at.IsLoopback() {
		return "", nil, fmt.Errorf("the address %s is not of this machine alone: use one such as 127.0.0.1:7233", addr)
	}
	ports = make(map[primitives.ServiceName]int)
	for _, name := range services {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return "", nil, err
		}
		defer l.Close() // after all are chosen, so that they differ
		ports[name] = l.Addr().(*net.TCPAddr).Port
		addr = net.JoinHostPort(ip, "0")
	}
	return ip, ports, nil
}

func openLog(file string) (log.Logger, error) {
	if file == "" {
		return log.NewNoopLogger(), nil
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) // so that its mode is this one
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	return log.NewZapLogger(log.BuildZapLogger(log.Config{Level: "error", OutputFile: file})), nil
}

const clusterName = "active"

// configuration is that of all four services in one process: no metrics, no profiles, no
// archive.
func configuration(file, ip string, ports map[primitives.ServiceName]int) *config.Config {
	addr := net.JoinHostPort(ip, strconv.Itoa(ports[primitives.FrontendService]))
	off := config.Archival{
		History:    config.HistoryArchival{State: "disabled"},
		Visibility: config.VisibilityArchival{State: "disabled"},
	}
	cfg := &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     sqliteplugin.PluginName,
			VisibilityStore:  sqliteplugin.PluginName,
			NumHistoryShards: 1,
			DataStores:       map[string]config.DataStore{sqliteplugin.PluginName: {SQL: store(file)}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: addr},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            make(map[string]config.Service),
		Archival:            off,
		PublicClient:        config.PublicClient{HostPort: addr},
	}
	cfg.NamespaceDefaults.Archival.History.State = "disabled"
	cfg.NamespaceDefaults.Archival.Visibility.State = "disabled"
	for name, port := range ports {
		cfg.Services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: ip}}
	}
	return cfg
}

func hosts(ip string, ports map[primitives.ServiceName]int) map[primitives.ServiceName]static.Hosts {
	all := make(map[primitives.ServiceName]static.Hosts)
	for name, port := range ports {
		all[name] = static.SingleLocalHost(net.JoinHostPort(ip, strconv.Itoa(port)))
	}
	return all
}

// store is the database in its write-ahead log, one connection at a time, each commit
// flushed to the disk.
func store(file string) *config.SQL {
	return &config.SQL{PluginName: sqliteplugin.PluginName, DatabaseName: escape.Replace(file), ConnectAttributes: map[string]string{
		"mode": "rw", "journal_mode": "wal", "synchronous": "full",
	}}
}

// escape writes a path as it stands in an address of SQLite.
var escape = strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23")

// prepare makes the database, if there is none, and the namespace, if it is not in it.
// The tables are made in another file, which gets the database's name when it has them
// all: a kill on the way leaves no half of them.
func prepare(file, namespace string) error {
	switch _, err := os.Stat(file); {
	case errors.Is(err, os.ErrNotExist):
		if err := create(file); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	n, err := sqlite.NewNamespaceConfig(clusterName, namespace, false, nil)
	if err != nil {
		return err
	}
	n.Detail.Config.Retention = durationpb.New(30 * 24 * time.Hour)
	return sqlite.CreateNamespaces(store(file), n)
}

func create(file string) error {
	part := file + ".new"
	for _, name := range []string{part, part + "-journal"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // SQLite gives its other files the same mode
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	sql := &config.SQL{PluginName: sqliteplugin.PluginName, DatabaseName: escape.Replace(part)}
	sql.ConnectAttributes = map[string]string{"mode": "rw"}
	if err := sqlite.SetupSchema(sql); err != nil {
		return err
	}
	if err := os.Rename(part, file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// answers waits until the server knows the namespace, which it reads some time after its
// start.
func answers(ctx context.Context, addr, namespace string) error {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("the server does not answer within a minute of its start"))
	defer cancel()
	c := workflowservice.NewWorkflowServiceClient(conn)
	for {
		_, err := c.ListWorkflowExecutions(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: namespace, PageSize: 1})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
