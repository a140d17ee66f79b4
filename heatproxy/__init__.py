"""MySQL HeatWave's Lakehouse and AutoML for any MySQL, as a proxy in front of it."""
