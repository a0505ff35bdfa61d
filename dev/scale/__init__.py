"""What 10, 1,000 and 100,000 restaurants take: figures by arithmetic, drain times by simulation."""
