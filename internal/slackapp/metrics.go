package slackapp

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics are the app's numbers.
type Metrics struct {
	received    *prometheus.CounterVec
	refusals    *prometheus.CounterVec
	restarts    prometheus.Counter
	connections prometheus.Gauge
	missing     *prometheus.GaugeVec
}

// NewMetrics makes the app's metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	return &Metrics{
		received:    f.NewCounterVec(prometheus.CounterOpts{Name: "ecsbot_slack_events_total", Help: "Events received over Socket Mode, by type."}, []string{"type"}),
		refusals:    f.NewCounterVec(prometheus.CounterOpts{Name: "ecsbot_refusals_total", Help: "Commands and clicks without effect, by reason."}, []string{"why"}),
		restarts:    f.NewCounter(prometheus.CounterOpts{Name: "ecsbot_slack_socket_restarts_total", Help: "Sockets that were closed and opened again after a fault."}),
		connections: f.NewGauge(prometheus.GaugeOpts{Name: "ecsbot_slack_connections", Help: "Connections of the app that Slack counted at the last hello, over all replicas."}),
		missing:     f.NewGaugeVec(prometheus.GaugeOpts{Name: "ecsbot_slack_scope_missing", Help: "1 for each bot scope of the manifest that the installed Slack app lacks."}, []string{"scope"}),
	}
}
