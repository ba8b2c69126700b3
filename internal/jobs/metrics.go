package jobs

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics are the engine's numbers.
type Metrics struct {
	steps      *prometheus.HistogramVec
	parked     prometheus.Counter
	blocked    prometheus.Gauge
	skew       prometheus.Gauge
	memory     prometheus.Gauge
	differing  prometheus.Gauge
	digest     *prometheus.GaugeVec
	submitted  *prometheus.CounterVec
	servers    *prometheus.CounterVec
	moves      *prometheus.CounterVec
	posts      *prometheus.CounterVec
	unverified *prometheus.CounterVec
	rerouted   *prometheus.CounterVec
}

// NewMetrics makes the engine's metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	auto := promauto.With(reg)
	return &Metrics{
		steps: auto.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ecsbot_step_seconds", Help: "Duration of one step of work, by kind of item and outcome.",
			Buckets: []float64{.005, .02, .1, .5, 2, 10, 30},
		}, []string{"kind", "outcome"}),
		parked:    auto.NewCounter(prometheus.CounterOpts{Name: "ecsbot_items_parked_total", Help: "Work items parked for an hour (dead letters), because every worker that claimed them died or panicked."}),
		blocked:   auto.NewGauge(prometheus.GaugeOpts{Name: "ecsbot_permits_blocked_seconds", Help: "Seconds until permits of the cloud's quota are granted again; 0 if they are not blocked."}),
		skew:      auto.NewGauge(prometheus.GaugeOpts{Name: "ecsbot_redis_clock_skew_seconds", Help: "The clock of Redis minus the clock of this process."}),
		memory:    auto.NewGauge(prometheus.GaugeOpts{Name: "ecsbot_redis_memory_ratio", Help: "Share of its maxmemory that Redis uses; 0 if it has none."}),
		differing: auto.NewGauge(prometheus.GaugeOpts{Name: "ecsbot_replicas_with_other_settings", Help: "Live replicas whose settings differ from those of this one; 0 unless an update is under way."}),
		digest:    auto.NewGaugeVec(prometheus.GaugeOpts{Name: "ecsbot_settings_info", Help: "Always 1; the label is the digest of the settings that this replica works with."}, []string{"digest"}),
		submitted: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "ecsbot_submits_total", Help: "Stop and start calls sent to the cloud, by verdict on the answer.",
		}, []string{"verdict"}),
		servers: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "ecsbot_servers_total", Help: "Servers of ended batches, by outcome.",
		}, []string{"outcome"}),
		moves: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "ecsbot_requests_total", Help: "Transitions of requests, by the state that they moved to.",
		}, []string{"state"}),
		posts: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "ecsbot_posts_total", Help: "Attempts to post or update a message in Slack, by topic and delivery status.",
		}, []string{"topic", "fate"}),
		unverified: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "ecsbot_posts_unverified_total", Help: "Messages posted again, perhaps twice, because Slack did not say whether the first post exists, by reason (refused: a scope or right is missing; no_answer).",
		}, []string{"topic", "why"}),
		rerouted: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "ecsbot_posts_rerouted_total", Help: "Messages that could not be posted in their channel, by where they went instead (private; home: in the person's Home only; nowhere).",
		}, []string{"topic", "instead"}),
	}
}
