"""What several policies are made of: ranks, bursts, deadlines, tickets, weights."""
