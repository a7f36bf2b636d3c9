"""Parts that several policies share: ranked queues, estimates of bursts, tickets, weights."""
