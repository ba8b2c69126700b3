package jobs

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the engine's numbers.
type Metrics struct {
	steps     *prometheus.HistogramVec
	parked    prometheus.Counter
	frozen    prometheus.Gauge
	skew      prometheus.Gauge
	memory    prometheus.Gauge
	submitted *prometheus.CounterVec
	servers   *prometheus.CounterVec
	moves     *prometheus.CounterVec
	posts     *prometheus.CounterVec

	unverified *prometheus.CounterVec
	rerouted   *prometheus.CounterVec
}

// NewMetrics makes the engine's metrics and registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ecsbot_step_seconds", Help: "Time of one step of work, by kind of item and outcome.",
			Buckets: []float64{.005, .02, .1, .5, 2, 10, 30},
		}, []string{"kind", "outcome"}),
		parked: prometheus.NewCounter(prometheus.CounterOpts{Name: "ecsbot_items_put_aside_total", Help: "Items of work put aside since whoever claimed them never gave them back."}),
		frozen: prometheus.NewGauge(prometheus.GaugeOpts{Name: "ecsbot_permits_frozen_seconds", Help: "Seconds for which no permit will be granted."}),
		skew:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "ecsbot_redis_clock_skew_seconds", Help: "The clock of Redis minus the clock of this process."}),
		memory: prometheus.NewGauge(prometheus.GaugeOpts{Name: "ecsbot_redis_memory_ratio", Help: "Share of its maxmemory that Redis uses; 0 if it has none."}),
		submitted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ecsbot_submits_total", Help: "Stop calls sent to the cloud, by verdict on the answer.",
		}, []string{"verdict"}),
		servers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ecsbot_servers_total", Help: "Servers of ended batches, by what became of them.",
		}, []string{"outcome"}),
		moves: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ecsbot_requests_total", Help: "Moves of requests, by the state they moved to.",
		}, []string{"state"}),
		posts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ecsbot_posts_total", Help: "Attempts to say something in Slack, by fate.",
		}, []string{"topic", "fate"}),
	}
	m.unverified = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ecsbot_posts_unverified_total", Help: "Messages posted again, perhaps twice, since Slack did not tell whether they stand, by why (refused: a scope or right is missing; no_answer).",
	}, []string{"topic", "why"})
	m.rerouted = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ecsbot_posts_rerouted_total", Help: "Messages that could not be posted in their channel, by where they were told instead (private, home: in the person's Home alone, nowhere).",
	}, []string{"topic", "instead"})
	reg.MustRegister(m.unverified, m.rerouted)
	reg.MustRegister(m.steps, m.parked, m.frozen, m.skew, m.memory, m.submitted, m.servers, m.moves, m.posts)
	return m
}
