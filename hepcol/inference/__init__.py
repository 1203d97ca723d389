"""Line shapes, statistical models and fits of histograms."""
