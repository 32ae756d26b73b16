package server

import (
	"fmt"
	"net/http"

	log "github.com/sirupsen/logrus"
	. "math"
	_ "embed"
)

const Limit = 10

var (
	ErrClosed = fmt.Errorf("closed")
	started   bool
)

// Handler answers requests.
type Handler interface {
	Serve(w http.ResponseWriter, r *http.Request)
}

// Server listens.
type Server struct {
	Base
	Address string
	handler Handler
}

type ID = string
type Names []string

// New makes a server.
func New(address string) *Server {
	return &Server{Address: address}
}

// Start begins to listen.
func (s *Server) Start() error {
	log.Info("start")
	return http.ListenAndServe(s.Address, nil)
}

func Map[T any](items []T, f func(T) T) []T {
	return items
}
