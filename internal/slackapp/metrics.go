package slackapp

import "github.com/prometheus/client_golang/prometheus"

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
	m := &Metrics{
		received:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ecsbot_slack_events_total", Help: "Events received over Socket Mode, by type."}, []string{"type"}),
		refusals:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "ecsbot_refusals_total", Help: "Commands and clicks without effect, by reason."}, []string{"why"}),
		restarts:    prometheus.NewCounter(prometheus.CounterOpts{Name: "ecsbot_slack_socket_restarts_total", Help: "Sockets that had to be begun anew."}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: "ecsbot_slack_connections", Help: "Connections of the app that Slack counted at the last hello, over all replicas."}),
	}
	m.missing = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ecsbot_slack_scope_missing", Help: "1 for each bot scope of the manifest that the installed Slack app lacks."}, []string{"scope"})
	reg.MustRegister(m.received, m.refusals, m.restarts, m.connections, m.missing)
	return m
}
